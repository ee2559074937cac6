#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program that knows only gstreddiff.pc: compiled against GStreamer, run with the folders that pkg-config names."""
import os
import subprocess
import unittest

import installed

LINE = "videotestsrc num-buffers=1 ! video/x-raw,width=32,height=24 ! reddiff noise=10 ! fakesink"


class OutOfTree(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.destdir, cls.prefix = installed.install()
        cls.addClassCleanup(installed.remove, cls.destdir)
        cls.pc_path = os.path.join(cls.prefix, installed.option("libdir"), "pkgconfig")
        cls.host = os.path.join(cls.destdir, "host")
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "host.c")
        flags = cls.pkg_config("--cflags", "--libs").split()
        subprocess.run(["gcc", "-Wall", "-Wextra", "-Werror", source, "-o", cls.host, *flags], check=True)

    @classmethod
    def pkg_config(cls, *arguments):
        environment = {**os.environ, "PKG_CONFIG_PATH": cls.pc_path}
        return subprocess.check_output(["pkg-config", *arguments, "gstreddiff"], env=environment, text=True).strip()

    @classmethod
    def folder(cls, name):
        """The tree lies in a DESTDIR, which the .pc file must not know: its prefix is moved there."""
        return cls.pkg_config(f"--define-variable=prefix={cls.prefix}", f"--variable={name}")

    def run_host(self, *arguments):
        return installed.run([self.host, *arguments], self.destdir, GST_PLUGIN_PATH_1_0=self.folder("pluginsdir"))

    def test_folders_exist(self):
        for variable in ("pluginsdir", "presetsdir", "modelsdir"):
            folder = self.folder(variable)
            self.assertTrue(folder.startswith(self.prefix) and os.listdir(folder), folder)

    def test_version_and_nothing_to_link(self):
        self.assertEqual(self.pkg_config("--modversion"), installed.project_version())
        self.assertNotIn("reddiff", self.pkg_config("--libs"))

    def test_the_element_runs_from_there(self):
        result = self.run_host("--maps", LINE)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn(self.folder("pluginsdir") + "/libgstreddiff.so", result.stdout)
        self.assertIn("libtorch_cpu.so", result.stdout)
        self.assertNotIn(installed.BUILD, result.stdout)

    def test_presets_come_with_the_plugin(self):
        """Also where the prefix is not GStreamer's, and GST_PRESET_PATH is not set."""
        result = self.run_host("--presets")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        differences = set(result.stdout.splitlines())
        self.assertEqual(differences, {
            "live preset=live", "live temporal=warm-start", "quality preset=quality", "archive preset=archive",
            "paper preset=paper", "paper temporal=none"})


if __name__ == "__main__":
    unittest.main()
