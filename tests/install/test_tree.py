#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What `meson install` leaves is complete: it works with GST_PLUGIN_PATH_1_0 alone, away from the build."""
import glob
import os
import unittest

import installed

SOURCE = "videotestsrc num-buffers=2 pattern=ball ! video/x-raw,format=I420,width=32,height=24 ! "


class Tree(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.destdir, cls.prefix = installed.install()
        cls.addClassCleanup(installed.remove, cls.destdir)
        cls.libdir = os.path.join(cls.prefix, installed.option("libdir"))
        cls.datadir = os.path.join(cls.prefix, installed.option("datadir"))
        cls.plugins = os.path.join(cls.libdir, "gstreamer-1.0")
        cls.plugin = os.path.join(cls.plugins, "libgstreddiff.so")
        cls.module = os.path.join(cls.libdir, "reddiff", "libreddiff-torch.so")

    def run_there(self, *command, **variables):
        return installed.run(list(command), self.destdir, GST_PLUGIN_PATH_1_0=self.plugins, **variables)

    def launch(self, elements):
        result = self.run_there("gst-launch-1.0", "-q", *f"{SOURCE}{elements} ! fakesink".split())
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_everything_is_there(self):
        data = ["gstreamer-1.0/presets/GstReddiff.prs", "gnome-video-effects/reddiff.effect", "doc/gst-reddiff/reddiff.md",
                "doc/gst-reddiff/reddiffdegrade.md"]
        for path in [self.plugin, self.module, os.path.join(self.libdir, "pkgconfig", "gstreddiff.pc"),
                     *(os.path.join(self.datadir, name) for name in data)]:
            self.assertTrue(os.path.isfile(path), path)
        weights = glob.glob(os.path.join(self.libdir, "reddiff", "models", "*.safetensors"))
        self.assertEqual({os.path.basename(file) for file in weights},
                         {"default.safetensors", "large.safetensors", "tiny.safetensors"})
        for file in weights:
            self.assertTrue(os.path.isfile(file.replace(".safetensors", ".json")), f"no card of {file}")

    def test_the_registry_opens_no_torch(self):
        """GStreamer opens every .so on the plugin path and below it."""
        found = glob.glob(os.path.join(self.plugins, "**", "*.so"), recursive=True)
        self.assertEqual(found, [self.plugin])

    def test_run_paths(self):
        self.assertEqual(installed.runpath(self.plugin), [])
        folders = installed.runpath(self.module)
        self.assertTrue(any(os.path.isfile(os.path.join(folder, "libtorch_cpu.so")) for folder in folders), folders)
        for folder in folders:
            self.assertFalse(folder.startswith((installed.BUILD, self.destdir)), folder)

    def test_inspect(self):
        """Nothing of what gst-inspect reads may raise a critical warning."""
        result = self.run_there("gst-inspect-1.0", "--print-all", "--gst-disable-registry-fork", G_DEBUG="fatal-criticals",
                                GST_PLUGIN_SYSTEM_PATH_1_0="")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        for element in ("reddiff", "reddiffdegrade"):
            self.assertTrue(f"{element}:   Filename                 {self.plugin}\n" in result.stdout, element)
        for preset in ("live", "quality", "archive", "paper"):
            self.assertTrue(f'reddiff:   "{preset}": ' in result.stdout, preset)

    def test_every_built_in_prior(self):
        for prior in ("dct", "tiny", "default", "large"):
            with self.subTest(prior=prior):
                self.launch(f"reddiff noise=10 prior={prior}")

    def test_degrade_and_restore(self):
        self.launch("reddiffdegrade operator=average-pool:factor=2 noise=5 ! reddiff operator=average-pool:factor=2")

    def test_build_without_libtorch_at_run_time(self):
        """The folder that the build was configured with is gone."""
        with open(self.module, "rb") as file:
            content = file.read()
        moved = content
        for folder in installed.runpath(self.module):
            moved = moved.replace(folder.encode(), b"/gone".ljust(len(folder), b"x"))
        self.assertNotEqual(moved, content)
        path = os.path.join(self.destdir, "libreddiff-torch.so")
        with open(path, "wb") as file:
            file.write(moved)
        result = self.run_there("gst-launch-1.0", "-q", *f"{SOURCE}reddiff prior=dct ! fakesink".split(),
                                REDDIFF_MODULE_PATH=path)
        self.assertNotEqual(result.returncode, 0)
        self.assertRegex(result.stderr, r"ERROR.*cannot be opened: lib\S+: cannot open shared object file.*"
                                        r"LibTorch has to stay in the folder .*LD_LIBRARY_PATH has to name it")
        found = installed.runpath(self.module)
        result = self.run_there("gst-launch-1.0", "-q", *f"{SOURCE}reddiff prior=dct ! fakesink".split(),
                                REDDIFF_MODULE_PATH=path, LD_LIBRARY_PATH=":".join(found))
        self.assertEqual((result.returncode, result.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
