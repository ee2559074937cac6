// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/safetensors.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "core/api/error.h"

namespace reddiff {
namespace {

using nlohmann::json;

// Far above what real models need (our own has 9 kB, a large diffusion model some 200 kB); bounds what JSON may cost.
constexpr std::uint64_t max_header_bytes = 4u << 20;
constexpr std::size_t max_dimensions = 8;

[[noreturn]] void refuse(std::string_view file, const std::string& why) {
  throw Error(ErrorCode::wrong_model, std::string(file) + " is not a usable .safetensors file: " + why + ".");
}

struct Entry {
  std::string name;
  at::ScalarType dtype;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;
};

at::ScalarType dtype_of(const json& value, std::string_view file, const std::string& name) {
  const std::string word = value.is_string() ? value.get<std::string>() : std::string();
  if (word == "F32") return at::kFloat;
  if (word == "F16") return at::kHalf;
  if (word == "BF16") return at::kBFloat16;
  refuse(file, "tensor " + shown(name) + " has dtype " + shown(word) + "; F32, F16 and BF16 can be read");
}

std::uint64_t unsigned_of(const json& value, std::string_view file, const std::string& name) {
  if (!value.is_number_unsigned())
    refuse(file, "tensor " + shown(name) + " has a size or offset that is no whole number");
  return value.get<std::uint64_t>();
}

Entry read_entry(const std::string& name, const json& value, std::uint64_t data_bytes, std::string_view file) {
  if (!value.is_object() || value.size() != 3 || !value.contains("dtype") || !value.contains("shape") ||
      !value.contains("data_offsets"))
    refuse(file, "tensor " + shown(name) + " needs exactly dtype, shape and data_offsets");
  Entry entry{name, dtype_of(value["dtype"], file, name), {}, 0, 0};
  const json& shape = value["shape"];
  const json& offsets = value["data_offsets"];
  if (!shape.is_array() || shape.size() > max_dimensions || !offsets.is_array() || offsets.size() != 2)
    refuse(file, "tensor " + shown(name) + " has no proper shape or data_offsets");
  entry.begin = unsigned_of(offsets[0], file, name);
  entry.end = unsigned_of(offsets[1], file, name);
  if (entry.begin > entry.end || entry.end > data_bytes)
    refuse(file, "tensor " + shown(name) + " lies outside the file; it was cut off or damaged");
  const std::uint64_t limit =
      data_bytes;  // no tensor has more values than the file has bytes: products below cannot overflow
  std::uint64_t bytes = c10::elementSize(entry.dtype);
  for (const json& element : shape) {
    const std::uint64_t size = unsigned_of(element, file, name);
    if (size == 0 || size > limit / bytes)
      refuse(file, "tensor " + shown(name) + " has a shape that does not fit its data");
    bytes *= size;
    entry.shape.push_back(static_cast<std::int64_t>(size));
  }
  if (bytes != entry.end - entry.begin)
    refuse(file, "tensor " + shown(name) + " has a shape that does not fit its data");
  return entry;
}

// nlohmann keeps the last of two equal keys without a word, so keys are watched while parsing. Only the top level holds
// names.
json parse_header(std::string_view text, std::string_view file) {
  std::set<std::string> seen;
  const json::parser_callback_t watch = [&](int depth, json::parse_event_t event, json& parsed) {
    if (depth > 4) refuse(file, "its header is nested too deeply");
    if (event == json::parse_event_t::key && depth == 1 && !seen.insert(parsed.get<std::string>()).second)
      refuse(file, "its header names " + shown(parsed.get<std::string>()) + " twice");
    return true;
  };
  try {
    json header = json::parse(text.begin(), text.end(), watch);
    if (!header.is_object()) refuse(file, "its header is no JSON object");
    return header;
  } catch (const json::exception& error) {
    throw Error(ErrorCode::wrong_model,
                std::string(file) + " is not a usable .safetensors file: its header is no valid JSON.", error.what());
  }
}

std::vector<Entry> read_entries(const json& header, std::uint64_t data_bytes, std::string_view file) {
  std::vector<Entry> entries;
  for (const auto& [name, value] : header.items())
    if (name != "__metadata__") entries.push_back(read_entry(name, value, data_bytes, file));
  if (entries.empty()) refuse(file, "it holds no tensors");
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.begin < b.begin; });
  std::uint64_t position = 0;
  for (const Entry& entry : entries) {
    if (entry.begin != position)
      refuse(file,
             "tensor " + shown(entry.name) +
                 (entry.begin < position ? " overlaps the one before it" : " leaves a gap after the one before it"));
    position = entry.end;
  }
  if (position != data_bytes) refuse(file, "there are bytes after the last tensor");
  return entries;
}

}  // namespace

NamedTensors parse_safetensors(std::span<const std::byte> bytes, std::string_view file,
                               const std::shared_ptr<const void>& owner) {
  constexpr std::size_t length_bytes = 8;
  if (bytes.size() < length_bytes + 2) refuse(file, "it is too short to hold a header");
  std::uint64_t header_bytes = 0;
  for (std::size_t i = 0; i < length_bytes; ++i) header_bytes |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  if (header_bytes > bytes.size() - length_bytes)
    refuse(file, "its header is longer than the file; it was cut off, or is of another kind");
  if (header_bytes > max_header_bytes) refuse(file, "its header is larger than 4 MiB");
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + length_bytes, header_bytes);
  const std::span<const std::byte> data = bytes.subspan(length_bytes + header_bytes);

  NamedTensors tensors;
  for (const Entry& entry : read_entries(parse_header(text, file), data.size(), file))
    tensors.emplace(
        entry.name,
        make_tensor({entry.name, entry.dtype, entry.shape, {}, data.subspan(entry.begin, entry.end - entry.begin)},
                    owner, [&](const std::string& why) { refuse(file, why); }));
  return tensors;
}

}  // namespace reddiff
