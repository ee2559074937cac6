#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each rule of check_sources.py finds what it is for and leaves correct files alone."""
import unittest

import check_sources as lint

GOOD = ["// SPDX-License-Identifier: LGPL-2.1-or-later", '#include "core/api/config.h"', ""]

CASES = [
    (lint.include_direction, "core/frame/a.cpp", ['#include "core/frame/a.h"', '#include "core/api/config.h"'], 0),
    (lint.include_direction, "core/frame/a.cpp", ['#include "core/temporal/flow.h"'], 1),
    (lint.include_direction, "core/priors/a.cpp", ['#include "core/weights/card.h"', '#include "core/solvers/s.h"'], 0),
    (lint.include_direction, "core/solvers/a.cpp", ['#include "core/registry.h"'], 1),
    (lint.include_direction, "core/engine.cpp", ['#include "core/registry.h"', '#include "core/solvers/s.h"'], 0),
    (lint.include_direction, "core/api/a.h", ["#include <ATen/ATen.h>"], 1),
    (lint.include_direction, "core/engine.cpp", ["#include <glib.h>"], 1),
    (lint.include_direction, "core/engine.cpp", ["#include <gst/gst.h>"], 1),
    (lint.include_direction, "core/engine.cpp", ['#include "engine.h"'], 1),
    (lint.include_direction, "core/engine.cpp", ['#include "gst-plugin/caps.h"'], 1),
    (lint.include_direction, "core/new_room/a.cpp", [""], 1),
    (lint.include_direction, "gst-plugin/a.cpp", ['#include "core/api/config.h"', '#include "gst-plugin/caps.h"'], 0),
    (lint.include_direction, "gst-plugin/a.cpp", ['#include "core/frame/convert.h"'], 1),
    (lint.include_direction, "tests/core/a.cpp", ['#include "core/frame/convert.h"'], 0),
    (lint.no_torch_in_plugin, "gst-plugin/a.cpp", ["#include <torch/torch.h>"], 1),
    (lint.no_torch_in_plugin, "gst-plugin/a.cpp", ["  at::Tensor x;"], 1),
    (lint.no_torch_in_plugin, "gst-plugin/a.cpp", ["  // not at::Tensor", "  std::format(x);"], 0),
    (lint.no_torch_in_plugin, "core/a.cpp", ["  at::Tensor x;"], 0),
    (lint.length, "core/a.cpp", [""] * (lint.LONGEST + 1), 0),
    (lint.length, "core/a.cpp", ["x"] * (lint.LONGEST + 1), 1),
    (lint.length, "core/README.md", ["x"] * lint.LONGEST_PAGE, 0),
    (lint.length, "README.md", ["x"] * (lint.LONGEST_PAGE + 1), 1),
    (lint.spdx, "core/a.cpp", GOOD, 0),
    (lint.spdx, "core/README.md", ["# core"], 0),
    (lint.spdx, "core/a.cpp", ["//", *GOOD], 1),
    (lint.spdx, "pipelines/a.py", ["#!/usr/bin/python3", "# " + GOOD[0][3:]], 0),
    (lint.blanks, "core/a.cpp", GOOD, 0),
    (lint.blanks, "core/a.cpp", ["\tx", ""], 1),
    (lint.blanks, "pipelines/debian/rules", ["#!/usr/bin/make -f", "\tx", ""], 0),
    (lint.blanks, "core/a.cpp", ["x ", "y\r", ""], 2),
    (lint.blanks, "core/a.cpp", ["x"], 1),
    (lint.blanks, "core/a.cpp", ["x", "", ""], 1),
]


class Rules(unittest.TestCase):
    def test_cases(self):
        for rule, path, lines, expected in CASES:
            with self.subTest(rule=rule.__name__, path=path, lines=lines[:2]):
                self.assertEqual(len(list(rule(path, lines))), expected)

    def test_every_rule_has_a_case_that_breaks_it(self):
        broken = {rule for rule, _, _, expected in CASES if expected}
        self.assertEqual(broken, set(lint.RULES.values()))


if __name__ == "__main__":
    unittest.main()
