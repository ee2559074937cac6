// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "core/api/error.h"
#include "core/api/operator_spec.h"

namespace reddiff {
namespace {

bool same(const OperatorSpec& a, const OperatorSpec& b) {
  if (a.stages.size() != b.stages.size()) return false;
  for (std::size_t i = 0; i < a.stages.size(); ++i) {
    const auto &s = a.stages[i], &t = b.stages[i];
    if (s.name != t.name || s.numbers != t.numbers || s.files != t.files) return false;
  }
  return true;
}

// The sentence of the error that parsing ends with; empty if it does not fail.
std::string failure(std::string_view text) {
  try {
    parse_operator(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::settings) << text;
    return error.what();
  }
  return {};
}

void expect_failure(std::string_view text, std::initializer_list<const char*> parts) {
  const std::string sentence = failure(text);
  ASSERT_FALSE(sentence.empty()) << "accepted: " << text;
  for (const char* part : parts) EXPECT_NE(sentence.find(part), std::string::npos) << sentence << "\n  lacks: " << part;
}

TEST(OperatorSpec, EveryExampleParsesAndRoundTrips) {
  std::set<std::string> names;
  for (const auto& kind : operator_kinds()) {
    EXPECT_TRUE(names.insert(kind.name).second) << "listed twice: " << kind.name;
    ASSERT_FALSE(kind.examples.empty()) << kind.name;
    for (const char* example : kind.examples) {
      const OperatorSpec spec = parse_operator(example);
      ASSERT_EQ(spec.stages.size(), 1u) << example;
      EXPECT_EQ(spec.stages[0].name, kind.name);
      EXPECT_EQ(spec.stages[0].numbers.size() + spec.stages[0].files.size(), kind.arguments.size());
      EXPECT_TRUE(same(parse_operator(spec.text()), spec)) << spec.text();
    }
  }
}

TEST(OperatorSpec, ACompositionHasTheTraitsOfAllItsStages) {
  for (const auto& kind : operator_kinds()) {
    const std::string one = kind.examples.front();
    for (const std::string& text : {one, "identity+" + one, one + "+identity"}) {
      const OperatorSpec spec = parse_operator(text);
      EXPECT_EQ(spec.linear(), kind.traits.linear) << text;
      EXPECT_EQ(spec.shift_equivariant(), kind.traits.shift_equivariant) << text;
      EXPECT_EQ(spec.keeps_colour(), kind.traits.keeps_colour) << text;
    }
  }
}

TEST(OperatorSpec, OnlyTheLastStageSaysIntervals) {
  EXPECT_EQ(parse_operator("hdr:gain=2").cells(), IntervalKind::clipped);
  EXPECT_EQ(parse_operator("bicubic:factor=2+quantise:bits=3").cells(), IntervalKind::quantised);
  EXPECT_EQ(parse_operator("identity+average-pool+jpeg:quality=20").cells(), IntervalKind::coded);
  EXPECT_EQ(parse_operator("quantise:bits=3+bicubic:factor=2").cells(), IntervalKind::none);
  EXPECT_EQ(parse_operator("hdr+quantise").cells(), IntervalKind::none);
  EXPECT_EQ(parse_operator("bicubic:factor=2+gray").cells(), IntervalKind::none);
}

TEST(OperatorSpec, RefusesWhatCannotBeClippedRoundedOrCoded) {
  for (const char* gain : {"0", "-1", "0.9", "17", "nan", "inf", "", "1e400", "two"})
    expect_failure(std::string("hdr:gain=") + gain, {"hdr:gain must be a number from 1 to 16"});
  for (const char* bits : {"0", "9", "2.5", "-3", "nan"})
    expect_failure(std::string("quantise:bits=") + bits, {"quantise:bits must be a whole number from 1 to 8"});
  for (const char* quality : {"0", "101", "50.5", "-1", "nan"})
    expect_failure(std::string("jpeg:quality=") + quality, {"jpeg:quality must be a whole number from 1 to 100"});
  for (const char* subsampling : {"421", "411", "0", "4:2:0", "nan"})
    expect_failure(std::string("jpeg:subsampling=") + subsampling, {"one of 420, 422, 444"});
}

TEST(OperatorSpec, FallbacksLieInTheirRangesAndFillEveryArgument) {
  for (const auto& kind : operator_kinds()) {
    bool required = false;
    for (const auto& argument : kind.arguments) {
      if (argument.is_file) {
        required = true;
        continue;
      }
      EXPECT_LE(argument.minimum, argument.fallback) << kind.name;
      EXPECT_GE(argument.maximum, argument.fallback) << kind.name;
      for (const double limit : {argument.minimum, argument.maximum}) {
        const std::string text = std::string(kind.name) + ":" + argument.name + "=" + std::to_string(limit);
        EXPECT_EQ(parse_operator(text).stages[0].numbers.at(argument.name), limit) << text;
      }
      for (const double beyond : {argument.minimum - 1, argument.maximum + 1})
        expect_failure(std::string(kind.name) + ":" + argument.name + "=" + std::to_string(beyond),
                       {argument.name, argument.choices.empty() ? "from" : "one of"});
    }
    if (!required) {
      EXPECT_EQ(parse_operator(kind.name).stages[0].numbers.size(), kind.arguments.size());
    }
  }
}

TEST(OperatorSpec, ReadsACompositionLeftToRight) {
  const OperatorSpec spec = parse_operator("gaussian-blur:sigma=1.6+bicubic:factor=4");
  ASSERT_EQ(spec.stages.size(), 2u);
  EXPECT_EQ(spec.stages[0].name, "gaussian-blur");
  EXPECT_EQ(spec.stages[0].numbers.at("sigma"), 1.6);
  EXPECT_EQ(spec.stages[1].name, "bicubic");
  EXPECT_EQ(spec.stages[1].numbers.at("factor"), 4);
  EXPECT_EQ(spec.factor(), 4);
  EXPECT_EQ(spec.text(), "gaussian-blur:sigma=1.6+bicubic:factor=4");
}

TEST(OperatorSpec, IgnoresSpaceAroundTokens) {
  const OperatorSpec spec =
      parse_operator("  motion-blur : length = 7 :\tangle= -30 \n+  average-pool:factor=2 + gray  ");
  EXPECT_EQ(spec.text(), "motion-blur:angle=-30:length=7+average-pool:factor=2+gray");
}

TEST(OperatorSpec, FactorIsTheProduct) {
  EXPECT_EQ(parse_operator("gray").factor(), 1);
  EXPECT_EQ(parse_operator("bicubic+gray+average-pool:factor=3").factor(), 6);
  EXPECT_EQ(parse_operator("average-pool:factor=16+bicubic:factor=4").factor(), 64);
  expect_failure("average-pool:factor=16+bicubic:factor=5", {"80", "64", "character 24"});
}

TEST(OperatorSpec, QuotedValues) {
  const auto file = [](std::string_view text) { return parse_operator(text).stages.at(0).files.at("file"); };
  EXPECT_EQ(file("kernel:file=/a/b c.txt"), "/a/b c.txt");
  EXPECT_EQ(file("kernel:file=a=b"), "a=b");
  EXPECT_EQ(file(R"(kernel:file="C:\\a+b:\"x\" ")"), R"(C:\a+b:"x" )");
  EXPECT_EQ(file(R"(kernel:file=C\a)"), R"(C\a)");
  EXPECT_EQ(file("kernel:file='/a/b c.txt'"), "/a/b c.txt");
  EXPECT_EQ(file(R"(kernel:file='a+b:"x" it\'s \\')"), R"(a+b:"x" it's \)");
  EXPECT_EQ(file(R"(kernel:file="it's")"), "it's");
  EXPECT_EQ(file("kernel:file=/home/o'brien/psf.txt"), "/home/o'brien/psf.txt");
  EXPECT_EQ(file(R"( kernel : file = "a+b"  )"), "a+b");
  EXPECT_EQ(parse_operator(R"(gaussian-blur:sigma="1e+0")").stages[0].numbers.at("sigma"), 1);
}

TEST(OperatorSpec, TextQuotesWhatNeedsIt) {
  for (const char* name : {"plain.txt", "a b", "a+b:c=d", R"(q"uo\te)", "it's", "'", " edge ", "\xc3\xa9", "-"}) {
    OperatorSpec spec;
    spec.stages.push_back({"kernel", {}, {{"file", name}}});
    EXPECT_TRUE(same(parse_operator(spec.text()), spec)) << spec.text();
    spec.stages.push_back({"gray", {}, {}});
    EXPECT_TRUE(same(parse_operator(spec.text()), spec)) << spec.text();
  }
  for (const double sigma : {0.1, 1.0 / 3, 19.999999999999996}) {
    OperatorSpec spec;
    spec.stages.push_back({"gaussian-blur", {{"sigma", sigma}}, {}});
    EXPECT_TRUE(same(parse_operator(spec.text()), spec)) << spec.text();
  }
  EXPECT_TRUE(
      same(parse_operator("motion-blur:angle=1e-7"), parse_operator(parse_operator("motion-blur:angle=1e-7").text())));
}

TEST(OperatorSpec, RefusesWrongNames) {
  expect_failure("gausian-blur:sigma=2", {"gausian-blur", "character 1", "gaussian-blur", "bicubic", "motion-blur"});
  expect_failure("identity+ blur", {"\"blur\"", "character 11", "identity"});
  expect_failure("bicubic:scale=2", {"\"scale\"", "character 9", "factor", "bicubic:factor=4"});
  expect_failure("identity:factor=2", {"factor", "takes no arguments"});
  expect_failure("Identity", {"Identity", "identity"});
}

TEST(OperatorSpec, RefusesWrongNumbers) {
  for (const char* value :
       {"", "x", "nan", "NaN", "inf", "-inf", "1e999", "2x", "0x2", "1,5", "1.6 2", "--1", "\"\"", "0.05", "20.1"})
    expect_failure(std::string("gaussian-blur:sigma=") + value,
                   {"gaussian-blur:sigma", "from 0.1 to 20", "character 21"});
  for (const char* value : {"2.5", "1", "9", "0", "-2", "1e300"})
    expect_failure(std::string("bicubic:factor=") + value, {"bicubic:factor", "whole number from 2 to 8", value});
  for (const char* value : {"2", "98", "3.5", "101"})
    expect_failure(std::string("box-blur:size=") + value, {"box-blur:size", "odd whole number from 1 to 99"});
}

TEST(OperatorSpec, RefusesWrongShapes) {
  expect_failure("", {"empty", "identity"});
  expect_failure(" \t ", {"empty"});
  expect_failure("+", {"operator name is missing", "character 1"});
  expect_failure("gray+", {"operator name is missing", "character 6"});
  expect_failure("gray++gray", {"operator name is missing", "character 6"});
  expect_failure("bicubic:", {"argument name is missing", "factor"});
  expect_failure("bicubic:factor", {"no value", "factor=VALUE", "character 15"});
  expect_failure("bicubic:factor=2:factor=3", {"given twice", "character 18"});
  expect_failure("bicubic=2", {"character 8", ":NAME=VALUE"});
  expect_failure("kernel", {"file", "kernel:file=psf.txt"});
  expect_failure("kernel:file=", {"path", "character 13"});
  expect_failure("kernel:file=\"\"", {"path"});
  expect_failure("kernel:file=\"a", {"never closed", "character 13"});
  expect_failure("kernel:file=\"a\\", {"never closed"});
  expect_failure("kernel:file=\"a\\n\"", {"backslash", "character 15"});
  expect_failure("kernel:file=a\"b\"", {"quote", "character 14"});
  expect_failure("kernel:file=\"a\"b", {"after a quoted value", "character 16"});
  expect_failure("kernel:file='a\"", {"never closed", "character 13"});
  expect_failure("kernel:file=''", {"path"});
  expect_failure(std::string_view("gray\0", 5), {"zero byte", "character 5"});
}

TEST(OperatorSpec, LimitsLengthAndStages) {
  std::string text = "gray";
  for (int i = 1; i < 8; ++i) text += "+gray";
  EXPECT_EQ(parse_operator(text).stages.size(), 8u);
  expect_failure(text + "+gray", {"at most 8", "character 41"});
  const std::string name(4096 - 12, 'a');
  EXPECT_EQ(parse_operator("kernel:file=" + name).stages[0].files.at("file"), name);
  expect_failure("kernel:file=a" + name, {"4097", "4096"});
  EXPECT_LT(failure(std::string(4000, 'a')).size(), 400u);
}

}  // namespace
}  // namespace reddiff
