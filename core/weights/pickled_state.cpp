// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/pickled_state.h"

#include <algorithm>

#include "core/weights/pickle_machine.h"
#include "core/weights/stored_tensor.h"

namespace reddiff {
namespace {

using Machine = PickleMachine;
using Kind = Machine::Kind;

constexpr std::string_view wrappers[] = {"ema", "model_ema", "params_ema", "state_dict", "model", "params"};
constexpr std::string_view parallel = "module.";

bool has_tensors(const Machine& machine, const Machine::Value& dict) {
  if (dict.kind != Kind::dict) return false;
  for (std::size_t i = 1; i < dict.items.size(); i += 2)
    if (machine.at(dict.items[i]).kind == Kind::tensor) return true;
  return false;
}

const Machine::Value& find_state(const Machine& machine, const Machine::Value& root) {
  if (root.kind != Kind::dict) machine.refuse("it holds no dictionary of tensors");
  if (has_tensors(machine, root)) return root;
  for (const std::string_view wrapper : wrappers)
    for (std::size_t i = 0; i + 1 < root.items.size(); i += 2) {
      const auto& key = machine.at(root.items[i]);
      const auto& value = machine.at(root.items[i + 1]);
      if (key.kind == Kind::text && key.text == wrapper && has_tensors(machine, value)) return value;
    }
  machine.refuse("it holds no tensors by name, neither itself nor under ema, state_dict or model");
}

std::vector<std::int64_t> integers(const Machine& machine, Machine::Place place, const std::string& name) {
  const auto& tuple = machine.at(place);
  if (tuple.kind != Kind::tuple) machine.refuse("tensor " + shown(name) + " has no proper shape");
  std::vector<std::int64_t> numbers;
  for (const Machine::Place item : tuple.items) {
    if (machine.at(item).kind != Kind::integer) machine.refuse("tensor " + shown(name) + " has no proper shape");
    numbers.push_back(machine.at(item).integer);
  }
  return numbers;
}

PickledTensor read_tensor(const Machine& machine, const std::string& name, const Machine::Value& value) {
  const auto& storage = machine.at(value.items[0]);
  const auto& offset = machine.at(value.items[1]);
  if (storage.kind != Kind::storage || offset.kind != Kind::integer)
    machine.refuse("tensor " + shown(name) + " names its values wrongly");
  const auto& type = machine.at(storage.items[0]);
  const auto& key = machine.at(storage.items[1]);
  const auto& size = machine.at(storage.items[3]);
  if (type.kind != Kind::global || key.kind != Kind::text || size.kind != Kind::integer)
    machine.refuse("tensor " + shown(name) + " names its values wrongly");
  PickledTensor tensor;
  tensor.name = name;
  tensor.storage_type = type.text.substr(type.text.find('\n') + 1);
  tensor.storage_key = key.text;
  tensor.storage_size = size.integer;
  tensor.offset = offset.integer;
  tensor.shape = integers(machine, value.items[2], name);
  tensor.stride = integers(machine, value.items[3], name);
  return tensor;
}

}  // namespace

std::vector<PickledTensor> read_pickled_state(std::span<const std::byte> pickle, std::string_view file) {
  Machine machine(pickle, file);
  const auto& state = find_state(machine, machine.at(machine.run()));
  std::vector<PickledTensor> tensors;
  for (std::size_t i = 0; i + 1 < state.items.size(); i += 2) {
    const auto& key = machine.at(state.items[i]);
    const auto& value = machine.at(state.items[i + 1]);
    if (key.kind == Kind::text && value.kind == Kind::tensor)
      tensors.push_back(read_tensor(machine, std::string(key.text), value));
  }
  if (std::all_of(tensors.begin(), tensors.end(), [](const auto& t) { return t.name.starts_with(parallel); }))
    for (PickledTensor& tensor : tensors) tensor.name.erase(0, parallel.size());
  return tensors;
}

}  // namespace reddiff
