// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The stack machine of pickled_state.h. Values are kept in one list and name each other by their place in it, so a pickle that refers
// to itself, or is nested a million times, costs nothing but its own length.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace reddiff {

class PickleMachine {
 public:
  using Place = std::uint32_t;
  enum class Kind {
    other,  // None, a truth value, a fraction: of no use here
    integer,
    text,
    tuple,
    list,
    dict,     // items: key, value, key, value, ...
    global,   // text: "module name"
    storage,  // items: type, key, location, number of values
    tensor,   // items: storage, offset, shape, stride, ...
  };
  struct Value {
    Kind kind = Kind::other;
    std::int64_t integer = 0;
    std::string_view text;  // a part of the pickle
    std::vector<Place> items;
  };

  // `pickle` must outlive this.
  PickleMachine(std::span<const std::byte> pickle, std::string_view file) : pickle_(pickle), file_(file) {}

  // The value that the pickle leaves. Throws Error{wrong_model}.
  Place run();
  const Value& at(Place place) const { return values_[place]; }
  [[noreturn]] void refuse(const std::string& why) const;

 private:
  std::string_view take(std::size_t length);
  std::string_view line();
  std::uint64_t number(std::size_t length);
  std::int64_t signed_number(std::size_t length);
  void push(Value value);
  Place pop();
  std::vector<Place> pop_to_mark();
  Value& top(Kind kind);
  void step(unsigned char code);
  bool step_number(unsigned char code);
  bool step_text(unsigned char code);
  bool step_container(unsigned char code);
  bool step_memo(unsigned char code);
  void name(std::string_view module, std::string_view word);
  void reduce();
  void build();

  std::span<const std::byte> pickle_;
  std::string_view file_;
  std::size_t next_ = 0;
  bool stopped_ = false;
  std::vector<Value> values_;
  std::vector<Place> stack_;
  std::vector<std::size_t> marks_;  // heights of the stack
  std::unordered_map<std::uint64_t, Place> memo_;
};

}  // namespace reddiff
