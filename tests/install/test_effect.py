#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every .effect file is one that GNOME's applications read, and its pipeline runs as they would build it."""
import configparser
import glob
import os
import unittest

import installed

# libcheese's own: converters on both sides of the description.
WRAPPED = ("videotestsrc num-buffers=2 ! video/x-raw,format=YUY2,width=32,height=24 ! videoconvert ! {} ! videoconvert ! "
           "video/x-raw,format=I420 ! fakesink")


class Effects(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.destdir, cls.prefix = installed.install()
        cls.addClassCleanup(installed.remove, cls.destdir)
        datadir = os.path.join(cls.prefix, installed.option("datadir"))
        cls.files = glob.glob(os.path.join(datadir, "gnome-video-effects", "*.effect"))

    def test_files(self):
        self.assertTrue(self.files)
        plugins = os.path.join(self.prefix, installed.option("libdir"), "gstreamer-1.0")
        for file in self.files:
            parser = configparser.ConfigParser(interpolation=None)
            parser.optionxform = str
            parser.read(file)
            effect = dict(parser["Effect"])
            self.assertEqual(set(effect), {"Name", "Comment", "PipelineDescription"})
            self.assertIn("reddiff", effect["PipelineDescription"])
            line = WRAPPED.format(effect["PipelineDescription"])
            result = installed.run(["gst-launch-1.0", "-q", *line.split()], self.destdir, GST_PLUGIN_PATH_1_0=plugins)
            self.assertEqual((result.returncode, result.stderr), (0, ""), line)


if __name__ == "__main__":
    unittest.main()
