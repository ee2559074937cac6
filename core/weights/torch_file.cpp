// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/torch_file.h"

#include <ATen/ATen.h>

#include <set>

#include "core/api/error.h"
#include "core/weights/pickled_state.h"
#include "core/weights/safetensors.h"
#include "core/weights/stored_zip.h"

namespace reddiff {
namespace {

constexpr std::string_view pickle_name = "/data.pkl", order_name = "byteorder", code_folder = "code/";
constexpr std::size_t max_pickle_bytes = 16u << 20, max_dimensions = 8, tar_mark_at = 257;

[[noreturn]] void refuse(std::string_view file, const std::string& why) {
  throw Error(ErrorCode::wrong_model, std::string(file) + " is not a usable file of torch.save: " + why + ".");
}

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// "archive/" of "archive/data.pkl"; empty where there is no such entry.
std::string root_of(const ZipEntries& entries) {
  for (const auto& [name, entry] : entries)
    if (name.ends_with(pickle_name) && name.find('/') == name.size() - pickle_name.size())
      return name.substr(0, name.find('/') + 1);
  return {};
}

struct StorageType {
  std::string_view name;
  at::ScalarType dtype;
};
// Of fractions; the others are counters.
constexpr StorageType storage_types[] = {{"FloatStorage", at::kFloat},
                                         {"HalfStorage", at::kHalf},
                                         {"BFloat16Storage", at::kBFloat16},
                                         {"DoubleStorage", at::kDouble}};

const StorageType* type_of(const PickledTensor& tensor) {
  for (const StorageType& type : storage_types)
    if (type.name == tensor.storage_type) return &type;
  return nullptr;
}

// How many values of the storage the tensor reaches over, from its first one on. None of its numbers has been checked before.
std::uint64_t reach_of(const PickledTensor& tensor, std::uint64_t stored, std::string_view file) {
  const auto wrong = [&] { refuse(file, "tensor " + shown(tensor.name) + " has a shape that does not fit its data"); };
  if (tensor.shape.size() > max_dimensions || tensor.stride.size() != tensor.shape.size() || tensor.offset < 0) wrong();
  std::uint64_t reach = 1, values = 1;
  for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
    const auto size = static_cast<std::uint64_t>(tensor.shape[i]),
               stride = static_cast<std::uint64_t>(tensor.stride[i]);
    if (tensor.shape[i] <= 0 || tensor.stride[i] < 0 || size > stored || stride > stored || size > stored / values)
      wrong();
    values *= size;
    if (stride != 0 && (size - 1) > (stored - reach) / stride) wrong();
    reach += (size - 1) * stride;
  }
  const auto offset = static_cast<std::uint64_t>(tensor.offset);
  if (offset > stored || reach > stored - offset) wrong();
  return reach;
}

StoredTensor locate(const PickledTensor& tensor, at::ScalarType dtype, const ZipEntries& entries,
                    const std::string& root, std::string_view file) {
  const auto found = entries.find(root + "data/" + tensor.storage_key);
  if (found == entries.end()) refuse(file, "the values of tensor " + shown(tensor.name) + " are missing");
  const std::uint64_t size = c10::elementSize(dtype), stored = found->second.bytes.size() / size;
  const std::uint64_t reach = reach_of(tensor, stored, file);
  return {tensor.name, dtype, tensor.shape, tensor.stride,
          found->second.bytes.subspan(static_cast<std::uint64_t>(tensor.offset) * size, reach * size)};
}

}  // namespace

bool is_torchscript(std::span<const std::byte> bytes, std::string_view file) {
  if (!begins_as_zip(bytes)) return false;
  const ZipEntries entries = read_stored_zip(bytes, file);
  for (const auto& [name, entry] : entries) {
    const std::size_t slash = name.find('/');
    if (slash != name.npos && std::string_view(name).substr(slash + 1).starts_with(code_folder)) return true;
  }
  return false;
}

NamedTensors parse_torch_file(std::span<const std::byte> bytes, std::string_view file,
                              const std::shared_ptr<const void>& owner) {
  const ZipEntries entries = read_stored_zip(bytes, file);
  const std::string root = root_of(entries);
  if (root.empty()) refuse(file, "the archive has no data.pkl; another program wrote it");
  for (const auto& [name, entry] : entries)
    if (!entry.stored)
      refuse(file, "entry " + shown(name) + " is compressed or encrypted, which torch.save never does");
  const auto pickle = entries.at(root + std::string(pickle_name.substr(1))).bytes;
  if (pickle.size() > max_pickle_bytes) refuse(file, "its data.pkl is larger than 16 MiB");
  if (const auto order = entries.find(root + std::string(order_name));
      order != entries.end() && text_of(order->second.bytes) != "little")
    refuse(file, "its numbers are big-endian; save it again on a machine of today");

  NamedTensors tensors;
  std::uint64_t values = 0;
  for (const PickledTensor& tensor : read_pickled_state(pickle, file)) {
    const StorageType* type = type_of(tensor);
    if (!type) continue;
    const StoredTensor stored = locate(tensor, type->dtype, entries, root, file);
    std::uint64_t count = 1;
    for (const std::int64_t size : stored.shape) count *= static_cast<std::uint64_t>(size);
    // Tensors may share their values, but not so that little data becomes much memory.
    if ((values += count) > bytes.size()) refuse(file, "its tensors have more values than the file has bytes");
    const auto complain = [&](const std::string& why) { refuse(file, why); };
    if (!tensors.emplace(tensor.name, make_tensor(stored, owner, complain)).second)
      refuse(file, "it names " + shown(tensor.name) + " twice");
  }
  if (tensors.empty()) refuse(file, "it holds no tensors of fractions");
  return tensors;
}

NamedTensors read_tensors(const FileBytes& bytes, std::string_view file) {
  constexpr std::string_view again =
      "; in Python, torch.save(torch.load(FILE, weights_only=True), FILE) of a PyTorch of today writes one that can be "
      "read";
  const std::string_view text = text_of(bytes.span());
  if (begins_as_zip(bytes.span())) return parse_torch_file(bytes.span(), file, bytes.owner());
  if (text.starts_with("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9"))
    refuse(file, "it was written before PyTorch 1.6" + std::string(again));
  if (text.size() > tar_mark_at + 5 && text.substr(tar_mark_at, 5) == "ustar")
    refuse(file, "it is a tar archive, as PyTorch wrote them before 0.1.10" + std::string(again));
  if (text.size() > 1 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5)
    refuse(
        file,
        "it is a Python pickle, which runs code when it is read; export its state_dict once, where it comes from, with "
        "torch.save or as .safetensors");
  return parse_safetensors(bytes.span(), file, bytes.owner());
}

}  // namespace reddiff
