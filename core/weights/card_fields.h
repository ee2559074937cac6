// SPDX-License-Identifier: LGPL-2.1-or-later
//
// One object of a model card, and the words for what is wrong with it. Every reader throws Error{wrong_model} that names the file,
// the field and what it should be.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace reddiff {

class CardFields {
 public:
  // The object and the name of its file must outlive this.
  CardFields(const nlohmann::json& object, std::string path, std::string_view file)
      : object_(object), path_(std::move(path)), file_(file) {}

  [[noreturn]] void refuse(const std::string& why) const;
  [[noreturn]] void wrong(const char* key, const std::string& expected) const;

  bool has(const char* key) const { return object_.contains(key); }
  const nlohmann::json& at(const char* key, const char* expected) const;
  CardFields child(const char* key) const;
  std::string text(const char* key) const;
  bool boolean(const char* key) const;
  std::int64_t integer(const char* key, std::int64_t low, std::int64_t high) const;
  std::vector<std::int64_t> integers(const char* key, std::size_t at_least, std::size_t at_most, std::int64_t low,
                                     std::int64_t high) const;
  double number(const char* key, double low, double high) const;
  std::pair<double, double> pair(const char* key) const;

  // The value whose word the field holds. `words`: pairs of them.
  template <typename E, std::size_t n> E one_of(const char* key, const std::pair<const char*, E> (&words)[n]) const {
    std::string expected;
    for (std::size_t i = 0; i < n; ++i)
      expected += (i == 0 ? "\"" : i + 1 == n ? " or \"" : ", \"") + std::string(words[i].first) + "\"";
    const nlohmann::json& value = at(key, expected.c_str());
    for (const auto& [word, meaning] : words)
      if (value == word) return meaning;
    wrong(key, expected);
  }

 private:
  double finite(const char* key, const nlohmann::json& value) const;
  std::int64_t bounded(const char* key, const nlohmann::json& value, std::int64_t low, std::int64_t high) const;

  const nlohmann::json& object_;
  std::string path_;
  std::string_view file_;
};

}  // namespace reddiff
