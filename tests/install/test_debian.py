#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""pipelines/debian says what the rest of the project says: version, packages to build with, names of files."""
import os
import re
import subprocess
import unittest

import installed

DEBIAN = os.path.join(installed.SOURCE, "pipelines", "debian")


def read(*path):
    with open(os.path.join(installed.SOURCE, *path), encoding="utf-8") as file:
        return file.read()


def build_depends():
    field = re.search(r"^Build-Depends: (.*?)^\S", read("pipelines", "debian", "control"), re.M | re.S)[1]
    return {re.split(r"[ (]", entry.strip())[0] for entry in field.split(",")}


class Debian(unittest.TestCase):
    def test_version(self):
        newest = re.match(r"gst-reddiff \((\S+)\) ", read("pipelines", "debian", "changelog"))
        self.assertEqual(newest[1], installed.project_version())

    def test_every_entry_of_the_changelog_can_be_read(self):
        """Each with its signature: dpkg-buildpackage takes no other."""
        entry = (r"gst-reddiff \(\S+\) \w+; urgency=\w+\n\n(?:  [* ] .*\n)+\n"
                 r" -- [^<]+ <\S+@\S+>  \w{3}, \d\d \w{3} \d{4} [\d:]{8} [+-]\d{4}\n")
        self.assertRegex(read("pipelines", "debian", "changelog"), rf"\A{entry}(?:\n{entry})*\Z")

    def test_version_of_the_presets(self):
        """GStreamer takes a user's own copy of older presets for a newer one unless this grows."""
        version = re.search(r"^version=(\S+)$", read("pipelines", "presets", "GstReddiff.prs"), re.M)[1]
        self.assertEqual(version, installed.project_version())

    def test_what_setup_builds_with(self):
        """Every compiler, tool and library that pipelines/setup installs for the build; not what only tests need."""
        packages = re.search(r"^packages=\((.*?)^\)", read("pipelines", "setup"), re.M | re.S)[1].split()
        wanted = {name for name in packages if name.endswith("-dev")} | {"g++", "meson", "ninja-build", "pkg-config"}
        self.assertEqual(build_depends() - {"debhelper-compat", "patchelf"}, wanted - {"libgtest-dev"})

    def test_scripts(self):
        for name in ("rules", "bundle-libtorch"):
            self.assertTrue(os.access(os.path.join(DEBIAN, name), os.X_OK), name)
        subprocess.run(["sh", "-n", os.path.join(DEBIAN, "bundle-libtorch")], check=True)
        subprocess.run(["bash", "-n", os.path.join(installed.SOURCE, "pipelines", "build-deb")], check=True)


if __name__ == "__main__":
    unittest.main()
