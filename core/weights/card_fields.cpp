// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/card_fields.h"

#include <cmath>
#include <sstream>

#include "core/api/error.h"

namespace reddiff {

using nlohmann::json;

void CardFields::refuse(const std::string& why) const {
  throw Error(ErrorCode::wrong_model, "The model card " + std::string(file_) + " cannot be used: " + why + ".");
}

void CardFields::wrong(const char* key, const std::string& expected) const {
  refuse("field '" + path_ + key + "' must be " + expected);
}

const json& CardFields::at(const char* key, const char* expected) const {
  const auto found = object_.find(key);
  if (found == object_.end()) wrong(key, std::string(expected) + ", and is missing");
  return *found;
}

CardFields CardFields::child(const char* key) const {
  const json& value = at(key, "an object");
  if (!value.is_object()) wrong(key, "an object");
  return CardFields(value, path_ + key + ".", file_);
}

std::string CardFields::text(const char* key) const {
  const json& value = at(key, "a text");
  if (!value.is_string() || value.get_ref<const std::string&>().empty()) wrong(key, "a text");
  return value.get<std::string>();
}

bool CardFields::boolean(const char* key) const {
  const json& value = at(key, "true or false");
  if (!value.is_boolean()) wrong(key, "true or false");
  return value.get<bool>();
}

std::int64_t CardFields::integer(const char* key, std::int64_t low, std::int64_t high) const {
  return bounded(key, at(key, "a whole number"), low, high);
}

std::vector<std::int64_t> CardFields::integers(const char* key, std::size_t at_least, std::size_t at_most,
                                               std::int64_t low, std::int64_t high) const {
  const std::string expected = "a list of " + std::to_string(at_least) +
                               (at_least == at_most ? "" : " to " + std::to_string(at_most)) + " whole numbers from " +
                               std::to_string(low) + " to " + std::to_string(high);
  const json& value = at(key, expected.c_str());
  if (!value.is_array() || value.size() < at_least || value.size() > at_most) wrong(key, expected);
  std::vector<std::int64_t> numbers;
  for (const json& element : value) numbers.push_back(bounded(key, element, low, high));
  return numbers;
}

double CardFields::number(const char* key, double low, double high) const {
  const double value = finite(key, at(key, "a number"));
  if (value >= low && value <= high) return value;
  std::ostringstream expected;
  expected << "from " << low << " to " << high;
  wrong(key, expected.str());
}

std::pair<double, double> CardFields::pair(const char* key) const {
  const json& value = at(key, "a list of two numbers");
  if (!value.is_array() || value.size() != 2) wrong(key, "a list of two numbers");
  return {finite(key, value[0]), finite(key, value[1])};
}

double CardFields::finite(const char* key, const json& value) const {
  if (!value.is_number() || !std::isfinite(value.get<double>())) wrong(key, "a finite number");
  return value.get<double>();
}

std::int64_t CardFields::bounded(const char* key, const json& value, std::int64_t low, std::int64_t high) const {
  const std::string expected =
      std::string("a whole number from ") + std::to_string(low) + " to " + std::to_string(high);
  if (!value.is_number_integer()) wrong(key, expected);
  if (value.is_number_unsigned() && value.get<std::uint64_t>() > static_cast<std::uint64_t>(high)) wrong(key, expected);
  const std::int64_t number = value.get<std::int64_t>();
  if (number < low || number > high) wrong(key, expected);
  return number;
}

}  // namespace reddiff
