// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/api/operator_spec.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

#include "core/api/error.h"

namespace reddiff {
namespace {

constexpr std::size_t max_text = 4096;
constexpr std::size_t max_stages = 8;
constexpr int max_factor = 64;

// Numbers are read and written by charconv because the host application may have set a locale with a decimal comma.
std::string number_text(double value) {
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value).ptr;
  return std::string(buffer, end);
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f'; }

// A word as error messages show it: long ones are cut.
std::string shown(std::string_view word) {
  constexpr std::size_t longest = 60;
  if (word.size() <= longest) return "\"" + std::string(word) + "\"";
  return "\"" + std::string(word.substr(0, longest)) + "...\"";
}

[[noreturn]] void fail(const std::string& sentence) { throw Error(ErrorCode::settings, "operator: " + sentence); }

[[noreturn]] void fail_at(std::size_t place, const std::string& sentence) {
  fail(sentence + " (at character " + std::to_string(place + 1) + ")");
}

std::string kind_names() {
  std::string list;
  for (const auto& kind : operator_kinds()) list += (list.empty() ? "" : ", ") + std::string(kind.name);
  return list;
}

std::string argument_names(const OperatorKind& kind) {
  if (kind.arguments.empty()) return std::string(kind.name) + " takes no arguments";
  std::string list;
  for (const auto& argument : kind.arguments) list += (list.empty() ? "" : ", ") + std::string(argument.name);
  return std::string(kind.name) + " takes " + list + ", for example " + kind.examples.front();
}

std::string range_text(const OperatorArgument& argument) {
  if (!argument.choices.empty()) {
    std::string list;
    for (const double choice : argument.choices) list += (list.empty() ? "one of " : ", ") + number_text(choice);
    return list;
  }
  const char* what = argument.odd ? "an odd whole number" : argument.integer ? "a whole number" : "a number";
  return std::string(what) + " from " + number_text(argument.minimum) + " to " + number_text(argument.maximum);
}

// Splits the text into names, separators and values; knows nothing of which names exist.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) { skip_space(); }

  bool at_end() const { return place_ == text_.size(); }
  std::size_t place() const { return place_; }

  // Consumes `c` and the space after it if it is next.
  bool take(char c) {
    if (at_end() || text_[place_] != c) return false;
    ++place_;
    skip_space();
    return true;
  }

  // A run without separators, trimmed; may be empty.
  std::string_view word() {
    const std::size_t start = place_;
    while (!at_end() && std::string_view(":+=\"").find(text_[place_]) == std::string_view::npos) ++place_;
    return trimmed(start);
  }

  std::string value() {
    if (!at_end() && (text_[place_] == '"' || text_[place_] == '\'')) return quoted(text_[place_]);
    const std::size_t start = place_;
    while (!at_end() && text_[place_] != ':' && text_[place_] != '+') {
      if (text_[place_] == '"') fail_at(place_, "a quote in the middle of a value; put the whole value in quotes");
      ++place_;
    }
    return std::string(trimmed(start));
  }

 private:
  void skip_space() {
    while (!at_end() && is_space(text_[place_])) ++place_;
  }

  std::string_view trimmed(std::size_t start) const {
    std::size_t end = place_;
    while (end > start && is_space(text_[end - 1])) --end;
    return text_.substr(start, end - start);
  }

  std::string quoted(char quote) {
    const std::size_t opening = place_++;
    std::string result;
    for (; !at_end() && text_[place_] != quote; ++place_) {
      if (text_[place_] == '\\') {
        if (++place_ == text_.size()) break;
        if (text_[place_] != quote && text_[place_] != '\\')
          fail_at(place_ - 1, "a backslash in a quoted value stands before a quote or another backslash only");
      }
      result += text_[place_];
    }
    if (at_end()) fail_at(opening, "this quote is never closed");
    ++place_;
    skip_space();
    if (!at_end() && text_[place_] != ':' && text_[place_] != '+')
      fail_at(place_, "after a quoted value only : (next argument), + (next operator) or the end may follow");
    return result;
  }

  std::string_view text_;
  std::size_t place_ = 0;
};

double read_number(const OperatorKind& kind, const OperatorArgument& argument, const std::string& value,
                   std::size_t place) {
  const std::string label = std::string(kind.name) + ":" + argument.name;
  double number = 0;
  const char* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, number, std::chars_format::general);
  const bool whole = !argument.integer || number == std::floor(number);
  const bool parity = !argument.odd || std::fmod(number, 2) != 0;
  // The comparison is written so that a NaN fails it.
  const bool inside = number >= argument.minimum && number <= argument.maximum;
  const auto& choices = argument.choices;
  const bool chosen = choices.empty() || std::find(choices.begin(), choices.end(), number) != choices.end();
  if (value.empty() || error != std::errc() || stop != end || !inside || !whole || !parity || !chosen)
    fail_at(place, label + " must be " + range_text(argument) + ", not " + shown(value));
  return number;
}

void read_argument(Scanner& scanner, const OperatorKind& kind, OperatorStage& stage) {
  const std::size_t name_place = scanner.place();
  const std::string name(scanner.word());
  const auto argument = std::find_if(kind.arguments.begin(), kind.arguments.end(),
                                     [&](const OperatorArgument& a) { return name == a.name; });
  if (argument == kind.arguments.end())
    fail_at(name_place, (name.empty() ? "an argument name is missing" : "unknown argument " + shown(name)) + "; " +
                            argument_names(kind));
  if (stage.numbers.count(name) || stage.files.count(name))
    fail_at(name_place, "argument " + shown(name) + " of " + kind.name + " is given twice");
  if (!scanner.take('='))
    fail_at(scanner.place(),
            "argument " + shown(name) + " of " + kind.name + " has no value; write " + name + "=VALUE");
  const std::size_t value_place = scanner.place();
  const std::string value = scanner.value();
  if (!argument->is_file) {
    stage.numbers[name] = read_number(kind, *argument, value, value_place);
    return;
  }
  if (value.empty()) fail_at(value_place, std::string(kind.name) + ":" + name + " needs the path of a file");
  stage.files[name] = value;
}

void fill_in(const OperatorKind& kind, OperatorStage& stage, std::size_t place) {
  for (const auto& argument : kind.arguments) {
    if (stage.numbers.count(argument.name) || stage.files.count(argument.name)) continue;
    if (argument.is_file || std::isnan(argument.fallback))
      fail_at(place, std::string(kind.name) + " needs the argument " + argument.name + ", for example " +
                         kind.examples.front());
    stage.numbers[argument.name] = argument.fallback;
  }
}

OperatorStage read_stage(Scanner& scanner) {
  const std::size_t place = scanner.place();
  const std::string name(scanner.word());
  const auto kinds = operator_kinds();
  const auto kind = std::find_if(kinds.begin(), kinds.end(), [&](const OperatorKind& k) { return name == k.name; });
  if (kind == kinds.end())
    fail_at(place, (name.empty() ? "an operator name is missing" : "unknown operator " + shown(name)) +
                       "; the operators are " + kind_names());
  OperatorStage stage;
  stage.name = name;
  while (scanner.take(':')) read_argument(scanner, *kind, stage);
  fill_in(*kind, stage, place);
  return stage;
}

// Bare only where no reader of the text, ours or a shell's, could see anything but a plain word.
std::string value_text(const std::string& value) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '/' || c == '-';
  };
  if (!value.empty() && std::all_of(value.begin(), value.end(), plain)) return value;
  std::string result = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + "\"";
}

std::vector<OperatorKind> make_kinds() {
  constexpr double none = std::numeric_limits<double>::quiet_NaN();
  const auto factor = [](double most) {
    return OperatorArgument{"factor", "pixels a side that become one", 2, most, 2, true, false};
  };
  constexpr OperatorTraits blurs{.shift_equivariant = true};
  return {
      {"identity", "nothing but noise", {"identity"}, {}, {.shift_equivariant = true}},
      {"average-pool",
       "mean of factor x factor pixels",
       {"average-pool:factor=4", "average-pool:factor=2", "average-pool:factor=3", "average-pool:factor=16"},
       {factor(16)}},
      {"bicubic",
       "antialiased bicubic reduction, as PIL's",
       {"bicubic:factor=4", "bicubic:factor=2", "bicubic:factor=3", "bicubic:factor=8"},
       {factor(8)}},
      {"gaussian-blur",
       "Gaussian blur",
       {"gaussian-blur:sigma=1.6", "gaussian-blur:sigma=0.1", "gaussian-blur:sigma=6"},
       {{"sigma", "standard deviation in pixels", 0.1, 20, 1.6, false, false}},
       blurs},
      {"box-blur",
       "mean of size x size pixels around each",
       {"box-blur:size=9", "box-blur:size=1"},
       {{"size", "pixels a side", 1, 99, 9, true, false, true}},
       blurs},
      {"motion-blur",
       "blur along a straight line",
       {"motion-blur:length=15:angle=30", "motion-blur:length=6.5:angle=-90", "motion-blur:length=24:angle=180"},
       {{"length", "pixels", 1, 99, 15, false, false},
        {"angle", "degrees, counter-clockwise from the right", -180, 180, 0, false, false}},
       blurs},
      {"kernel",
       "blur by a point-spread function read from a text file",
       {"kernel:file=psf.txt"},
       {{"file", "rows of numbers, one row a line; see core/operators/README.md", 0, 0, none, false, true}},
       blurs},
      {"gray", "mean of the three channels", {"gray"}, {}, {.shift_equivariant = true, .keeps_colour = false}},
      {"hdr",
       "clipping, as of too high a contrast: gain times the distance from mid-gray, as far as black and white allow",
       {"hdr:gain=2", "hdr:gain=1", "hdr:gain=5.5"},
       {{"gain", "1: only what is beyond black and white is clipped", 1, 16, 2, false, false}},
       {.linear = false, .shift_equivariant = true, .cells = IntervalKind::clipped}},
      {"quantise",
       "2^bits equal intervals from black to white, each shown by its centre",
       {"quantise:bits=3", "quantise:bits=1", "quantise:bits=8"},
       {{"bits", "of each of R', G', B'", 1, 8, 3, true, false}},
       {.linear = false, .shift_equivariant = true, .cells = IntervalKind::quantised}},
      {"jpeg",
       "JPEG with the tables of libjpeg",
       {"jpeg:quality=20", "jpeg:quality=1:subsampling=444", "jpeg:quality=95:subsampling=422"},
       {{"quality", "libjpeg's", 1, 100, 75, true, false},
        {"subsampling",
         "420: halved chroma; 422: halved across; 444: whole",
         420,
         444,
         420,
         true,
         false,
         false,
         {420, 422, 444}}},
       {.linear = false, .keeps_colour = false, .cells = IntervalKind::coded}},
  };
}

// Of a stage that was parsed, so that its name is one of the table.
const OperatorKind& kind_of(const OperatorStage& stage) {
  const auto kinds = operator_kinds();
  return *std::find_if(kinds.begin(), kinds.end(), [&](const OperatorKind& kind) { return stage.name == kind.name; });
}

bool all_have(const std::vector<OperatorStage>& stages, bool OperatorTraits::*trait) {
  return std::all_of(stages.begin(), stages.end(),
                     [trait](const OperatorStage& stage) { return kind_of(stage).traits.*trait; });
}

}  // namespace

std::span<const OperatorKind> operator_kinds() {
  static const std::vector<OperatorKind> kinds = make_kinds();
  return kinds;
}

bool OperatorSpec::linear() const { return all_have(stages, &OperatorTraits::linear); }
bool OperatorSpec::shift_equivariant() const { return all_have(stages, &OperatorTraits::shift_equivariant); }
bool OperatorSpec::keeps_colour() const { return all_have(stages, &OperatorTraits::keeps_colour); }

IntervalKind OperatorSpec::cells() const {
  const bool linear_before = std::all_of(stages.begin(), stages.end() - 1,
                                         [](const OperatorStage& stage) { return kind_of(stage).traits.linear; });
  return linear_before ? kind_of(stages.back()).traits.cells : IntervalKind::none;
}

int OperatorSpec::factor() const {
  int product = 1;
  for (const auto& stage : stages)
    if (const auto found = stage.numbers.find("factor"); found != stage.numbers.end())
      product *= static_cast<int>(found->second);
  return product;
}

std::string OperatorSpec::text() const {
  std::string result;
  for (const auto& stage : stages) {
    if (!result.empty()) result += '+';
    result += stage.name;
    for (const auto& [name, number] : stage.numbers) result += ":" + name + "=" + value_text(number_text(number));
    for (const auto& [name, file] : stage.files) result += ":" + name + "=" + value_text(file);
  }
  return result;
}

OperatorSpec parse_operator(std::string_view text) {
  if (text.size() > max_text)
    fail("the text is " + std::to_string(text.size()) + " characters long; at most " + std::to_string(max_text) +
         " are read");
  if (const auto zero = text.find('\0'); zero != std::string_view::npos) fail_at(zero, "the text holds a zero byte");
  Scanner scanner(text);
  if (scanner.at_end()) fail("the text is empty; the operators are " + kind_names());
  OperatorSpec spec;
  do {
    if (spec.stages.size() == max_stages)
      fail_at(scanner.place(), "at most " + std::to_string(max_stages) + " operators can be joined");
    const std::size_t place = scanner.place();
    spec.stages.push_back(read_stage(scanner));
    if (spec.factor() > max_factor)
      fail_at(place, "the factors multiply to " + std::to_string(spec.factor()) + "; at most " +
                         std::to_string(max_factor) + " is possible");
  } while (scanner.take('+'));
  if (!scanner.at_end())
    fail_at(scanner.place(),
            "only : (next argument), + (next operator) or the end may stand here; an argument is "
            "written :NAME=VALUE");
  return spec;
}

}  // namespace reddiff
