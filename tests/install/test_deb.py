#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pipelines/build-deb makes a package that needs no LibTorch of anyone: unpacked, it runs with the build's own hidden.

Given a package's file name, tests that one instead of making one.
"""
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import installed

PACKAGE = "gstreamer1.0-reddiff"
GIVEN = sys.argv[1] if len(sys.argv) > 1 else None
SOURCE = "videotestsrc num-buffers=2 pattern=ball ! video/x-raw,format=I420,width=32,height=24 ! "


def libtorch():
    configured = installed.option("libtorch")
    torch_root = os.path.join(installed.SOURCE, "pipelines", "torch-root")
    return configured or subprocess.check_output([torch_root], text=True).strip()


class Deb(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="reddiff-deb-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.libtorch = libtorch()
        if not GIVEN:
            script = os.path.join(installed.SOURCE, "pipelines", "build-deb")
            subprocess.run([script, "--out", cls.folder, "--libtorch", cls.libtorch], check=True)
        cls.deb = GIVEN or glob.glob(os.path.join(cls.folder, PACKAGE + "_*.deb"))[0]
        cls.root = os.path.join(cls.folder, "root")
        subprocess.run(["dpkg-deb", "-x", cls.deb, cls.root], check=True)
        cls.plugin = glob.glob(os.path.join(cls.root, "usr/lib/*/gstreamer-1.0/libgstreddiff.so"))[0]
        cls.private = os.path.join(os.path.dirname(cls.plugin), "..", "reddiff")

    def run_there(self, *command):
        hidden = [*installed.HIDDEN, os.path.dirname(self.libtorch)]
        return installed.run(list(command), self.folder, hidden, GST_PLUGIN_PATH_1_0=os.path.dirname(self.plugin))

    def test_fields(self):
        def field(name):
            return subprocess.check_output(["dpkg-deb", "-f", self.deb, name], text=True).strip()

        self.assertEqual((field("Package"), field("Version")), (PACKAGE, installed.project_version()))
        for needed in ("libgstreamer1.0-0", "libgomp1", "libopencv-video", "libssl3"):
            self.assertIn(needed, field("Depends"))

    def test_libtorch_and_its_licences_are_inside(self):
        libraries = glob.glob(os.path.join(self.private, "*.so*"))
        names = {os.path.basename(file) for file in libraries}
        self.assertTrue({"libreddiff-torch.so", "libtorch_cpu.so", "libc10.so"} <= names, names)
        self.assertNotIn("libgomp.so.1", names)
        for file in libraries:
            self.assertIn(installed.runpath(file), ([], ["$ORIGIN"]), file)
        licences = glob.glob(os.path.join(self.root, "usr/share/doc", PACKAGE, "bundled/*/LICENSE*"))
        self.assertTrue(licences)

    def test_inspect(self):
        result = self.run_there("gst-inspect-1.0", "reddiff")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn(self.plugin, result.stdout)

    def test_pipelines(self):
        for prior in ("dct", "default"):
            with self.subTest(prior=prior):
                line = f"{SOURCE}reddiffdegrade noise=10 ! reddiff noise=10 prior={prior} ! fakesink"
                result = self.run_there("gst-launch-1.0", "-q", *line.split())
                self.assertEqual((result.returncode, result.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
