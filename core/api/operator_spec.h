// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The text form of a degradation operator: `name:arg=value:arg=value`, applied left to right, joined by `+`, for example
// `gaussian-blur:sigma=1.6+bicubic:factor=4`. A value that holds `:` or `+` is put in quotes, single or double. Parsing needs no torch:
// caps negotiation asks for the factor before the torch module is loaded. Which names and arguments exist is the table
// `operator_kinds()`; core/registry builds exactly these and a test holds the two against each other.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace reddiff {

struct OperatorArgument {
  const char* name;
  const char* description;
  double minimum;  // numbers only
  double maximum;
  double fallback;  // NaN: must be given
  bool integer;
  bool is_file;                      // a path; minimum, maximum and fallback do not apply
  bool odd = false;                  // integers only: even ones are refused
  std::vector<double> choices = {};  // not empty: these numbers and no others
};

// What a measurement says of what it measures, where that is only in which interval (cell) each value lies.
enum class IntervalKind {
  none,       // more than that
  clipped,    // values beyond an end are at the end
  quantised,  // values lie about the nearest of some levels
  coded,      // so do those of the 8x8 DCT of luma and chroma
};

// What holds for every setting of a kind, and so for a composition if it holds for every stage. Tests ask the operators themselves.
struct OperatorTraits {
  bool linear = true;              // H(a u + b v) = a H u + b H v
  bool shift_equivariant = false;  // H of a moved picture is the moved H x, by any whole pixels and but for borders
  bool keeps_colour = true;        // three channels remain, each treated as the others
  IntervalKind cells = IntervalKind::none;  // not none: not linear
};

// Everything about a kind but its code. Tests, messages and the elements' documentation read these tables, so a new kind is a row.
struct OperatorKind {
  const char* name;
  const char* description;
  std::vector<const char*>
      examples;  // the first is shown to users; tests run all of them, with a file of theirs for a file
  std::vector<OperatorArgument> arguments;
  OperatorTraits traits = {};
};

std::span<const OperatorKind> operator_kinds();

// One stage with every argument filled in and inside its range.
struct OperatorStage {
  std::string name;
  std::map<std::string, double> numbers;
  std::map<std::string, std::string> files;
};

struct OperatorSpec {
  std::vector<OperatorStage> stages;  // never empty
  bool linear() const;                // these three: every stage is
  bool shift_equivariant() const;
  bool keeps_colour() const;
  // Of the last stage, if those before it are linear; else none. Then H = C L, where C says of the values of L x in which cells they lie.
  IntervalKind cells() const;
  int factor() const;        // product of the stages' reduction factors, 1 if none reduces
  std::string text() const;  // canonical spelling; parse(text()) gives the same spec
};

// Throws Error{settings}: the sentence names the wrong word, its place, and what would be right (all operator names, the
// operator's arguments, the argument's range).
OperatorSpec parse_operator(std::string_view text);

}  // namespace reddiff
