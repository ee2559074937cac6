// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/pickle_machine.h"

#include <algorithm>
#include <utility>

#include "core/api/error.h"
#include "core/weights/stored_tensor.h"

namespace reddiff {
namespace {

constexpr std::size_t most_values = 2'000'000;  // a checkpoint with its optimiser has some ten thousand

constexpr std::string_view ordered_dict = "collections OrderedDict", tensor_maker = "torch._utils _rebuild_tensor_v2",
                           parameter_maker = "torch._utils _rebuild_parameter";
constexpr std::string_view storages[] = {"FloatStorage", "HalfStorage", "BFloat16Storage", "DoubleStorage",
                                         "LongStorage",  "IntStorage",  "ShortStorage",    "CharStorage",
                                         "ByteStorage",  "BoolStorage"};

bool is_known(std::string_view module, std::string_view word) {
  const std::string both = std::string(module) + " " + std::string(word);
  return both == ordered_dict || both == tensor_maker || both == parameter_maker ||
         (module == "torch" && std::find(std::begin(storages), std::end(storages), word) != std::end(storages));
}

}  // namespace

void PickleMachine::refuse(const std::string& why) const {
  throw Error(ErrorCode::wrong_model, std::string(file_) + " is not a usable file of torch.save: " + why + ".");
}

PickleMachine::Place PickleMachine::run() {
  while (!stopped_) step(static_cast<unsigned char>(take(1)[0]));
  if (stack_.size() != 1 || !marks_.empty()) refuse("its pickle ends in the middle of something");
  return stack_.back();
}

std::string_view PickleMachine::take(std::size_t length) {
  if (length > pickle_.size() - next_) refuse("its pickle was cut off or damaged");
  const std::string_view text(reinterpret_cast<const char*>(pickle_.data()) + next_, length);
  next_ += length;
  return text;
}

std::string_view PickleMachine::line() {
  const std::string_view rest(reinterpret_cast<const char*>(pickle_.data()) + next_, pickle_.size() - next_);
  const std::size_t end = rest.find('\n');
  if (end == rest.npos) refuse("its pickle was cut off or damaged");
  next_ += end + 1;
  return rest.substr(0, end);
}

std::uint64_t PickleMachine::number(std::size_t length) {
  std::uint64_t value = 0;
  int shift = 0;
  for (const char byte : take(length)) {
    value |= static_cast<std::uint64_t>(static_cast<unsigned char>(byte)) << shift;
    shift += 8;
  }
  return value;
}

std::int64_t PickleMachine::signed_number(std::size_t length) {
  if (length == 0) return 0;
  const int unused = 64 - 8 * static_cast<int>(length);
  return static_cast<std::int64_t>(number(length) << unused) >> unused;
}

void PickleMachine::push(Value value) {
  if (values_.size() >= most_values) refuse("its pickle holds more than two million values");
  values_.push_back(std::move(value));
  stack_.push_back(static_cast<Place>(values_.size() - 1));
}

PickleMachine::Place PickleMachine::pop() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) refuse("its pickle takes more than it has put");
  const Place place = stack_.back();
  stack_.pop_back();
  return place;
}

std::vector<PickleMachine::Place> PickleMachine::pop_to_mark() {
  if (marks_.empty()) refuse("its pickle takes more than it has put");
  const auto begin = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<Place> items(begin, stack_.end());
  stack_.erase(begin, stack_.end());
  marks_.pop_back();
  return items;
}

PickleMachine::Value& PickleMachine::top(Kind kind) {
  const Place place = pop();
  stack_.push_back(place);
  if (values_[place].kind != kind) refuse("its pickle fills something that is no container");
  return values_[place];
}

void PickleMachine::step(unsigned char code) {
  if (step_number(code) || step_text(code) || step_container(code) || step_memo(code)) return;
  switch (code) {
    case 0x80:  // PROTO
      if (number(1) != 2)
        refuse("its pickle is of another protocol than 2, which torch.save writes if not told otherwise");
      return;
    case 'c': {  // GLOBAL
      const std::string_view module = line();
      return name(module, line());
    }
    case 'R':  // REDUCE
      return reduce();
    case 'b':  // BUILD
      return build();
    case 'Q': {  // BINPERSID
      const Place id = pop();
      if (values_[id].kind != Kind::tuple || values_[id].items.size() != 5)
        refuse("its pickle names a storage wrongly");
      const auto& items = values_[id].items;
      if (values_[items[0]].kind != Kind::text || values_[items[0]].text != "storage")
        refuse("its pickle names a storage wrongly");
      return push({Kind::storage, 0, {}, {items[1], items[2], items[3], items[4]}});
    }
    case '.':  // STOP
      stopped_ = true;
      return;
    default:
      refuse("its pickle has an instruction (" + std::to_string(code) +
             ") that no dictionary of tensors needs; in Python, torch.save(model.state_dict(), ...) writes one");
  }
}

bool PickleMachine::step_number(unsigned char code) {
  const auto integer = [this](std::int64_t value) { push({Kind::integer, value, {}, {}}); };
  switch (code) {
    case 'N':   // NONE
    case 0x88:  // NEWTRUE
    case 0x89:  // NEWFALSE
      push({});
      return true;
    case 'G':  // BINFLOAT
      take(8);
      push({});
      return true;
    case 'J':  // BININT
      integer(signed_number(4));
      return true;
    case 'K':  // BININT1
      integer(signed_number(1) & 0xff);
      return true;
    case 'M':  // BININT2
      integer(signed_number(2) & 0xffff);
      return true;
    case 0x8a: {  // LONG1
      const std::size_t length = number(1);
      if (length > 8) refuse("its pickle has a number that is too large");
      integer(signed_number(length));
      return true;
    }
    default:
      return false;
  }
}

bool PickleMachine::step_text(unsigned char code) {
  switch (code) {
    case 'X':  // BINUNICODE
    case 'T':  // BINSTRING
      push({Kind::text, 0, take(number(4)), {}});
      return true;
    case 'U':  // SHORT_BINSTRING
      push({Kind::text, 0, take(number(1)), {}});
      return true;
    default:
      return false;
  }
}

bool PickleMachine::step_container(unsigned char code) {
  const auto tuple = [this](std::size_t length) {
    std::vector<Place> items(length);
    while (length > 0) items[--length] = pop();
    push({Kind::tuple, 0, {}, std::move(items)});
  };
  const auto append = [](Value& to, const std::vector<Place>& items) {
    to.items.insert(to.items.end(), items.begin(), items.end());
  };
  switch (code) {
    case '(':  // MARK
      marks_.push_back(stack_.size());
      return true;
    case ')':   // EMPTY_TUPLE
    case 0x85:  // TUPLE1
    case 0x86:  // TUPLE2
    case 0x87:  // TUPLE3
      tuple(code == ')' ? 0 : code - 0x84);
      return true;
    case 't':  // TUPLE
      push({Kind::tuple, 0, {}, pop_to_mark()});
      return true;
    case ']':  // EMPTY_LIST
      push({Kind::list, 0, {}, {}});
      return true;
    case '}':  // EMPTY_DICT
      push({Kind::dict, 0, {}, {}});
      return true;
    case 'a': {  // APPEND
      const Place item = pop();
      append(top(Kind::list), {item});
      return true;
    }
    case 'e': {  // APPENDS
      const auto items = pop_to_mark();
      append(top(Kind::list), items);
      return true;
    }
    case 's': {  // SETITEM
      const Place value = pop(), key = pop();
      append(top(Kind::dict), {key, value});
      return true;
    }
    case 'u': {  // SETITEMS
      const auto items = pop_to_mark();
      if (items.size() % 2 != 0) refuse("its pickle has a key without a value");
      append(top(Kind::dict), items);
      return true;
    }
    default:
      return false;
  }
}

bool PickleMachine::step_memo(unsigned char code) {
  const auto remember = [this](std::uint64_t key) {
    const Place place = pop();
    stack_.push_back(place);
    memo_[key] = place;
  };
  const auto recall = [this](std::uint64_t key) {
    const auto found = memo_.find(key);
    if (found == memo_.end()) refuse("its pickle refers to something that it has not told");
    stack_.push_back(found->second);
  };
  switch (code) {
    case 'q':  // BINPUT
      remember(number(1));
      return true;
    case 'r':  // LONG_BINPUT
      remember(number(4));
      return true;
    case 'h':  // BINGET
      recall(number(1));
      return true;
    case 'j':  // LONG_BINGET
      recall(number(4));
      return true;
    default:
      return false;
  }
}

void PickleMachine::name(std::string_view module, std::string_view word) {
  if (!is_known(module, word))
    refuse("it names " + shown(std::string(module) + "." + std::string(word)) +
           ", which may run code when it is read, and only tensors are read; in Python, torch.save(model.state_dict(), "
           "...) "
           "writes a file without it");
  // Both words and the line's end between them, as they lie in the pickle.
  push({Kind::global, 0, std::string_view(module.data(), module.size() + 1 + word.size()), {}});
}

void PickleMachine::reduce() {
  const Place arguments = pop(), callable = pop();
  if (values_[callable].kind != Kind::global || values_[arguments].kind != Kind::tuple)
    refuse("its pickle calls something that is no function");
  std::string function(values_[callable].text);
  std::replace(function.begin(), function.end(), '\n', ' ');
  const std::vector<Place> given = values_[arguments].items;
  if (function == ordered_dict && given.empty()) return push({Kind::dict, 0, {}, {}});
  if (function == tensor_maker && given.size() >= 4) return push({Kind::tensor, 0, {}, given});
  if (function == parameter_maker && !given.empty()) return stack_.push_back(given[0]);
  refuse("its pickle calls " + shown(function) + " in an unknown way");
}

// Attributes of a dictionary, which state_dict() gives it, are of no use here.
void PickleMachine::build() {
  pop();
  top(Kind::dict);
}

}  // namespace reddiff
