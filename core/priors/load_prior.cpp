// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/priors/load_prior.h"

#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <system_error>
#include <vector>

#include "core/api/files.h"
#include "core/priors/conv_unet.h"
#include "core/priors/graphed.h"

namespace reddiff {
namespace {

namespace fs = std::filesystem;

constexpr const char* extension = ".safetensors";

std::vector<std::string> split(const std::string& dirs) {
  std::vector<std::string> parts;
  std::stringstream stream(dirs);
  for (std::string part; std::getline(stream, part, ':');)
    if (!part.empty()) parts.push_back(part);
  return parts;
}

std::string joined(const auto& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::set<std::string> models_in(const std::vector<std::string>& dirs) {
  std::set<std::string> names;
  for (const std::string& dir : dirs) {
    std::error_code ignored;  // a folder of the list that does not exist holds no models
    for (const auto& entry : fs::directory_iterator(dir, ignored))
      if (entry.path().extension() == extension) names.insert(entry.path().stem().string());
  }
  return names;
}

// The first folder that has it. One that may not be searched is passed over, and told of if no other has it.
std::string find_model(const std::string& name, const std::string& model_dirs) {
  if (name.ends_with(extension)) return expand_home(name);
  const std::vector<std::string> dirs = split(model_dirs);
  std::optional<Error> unreadable;
  if (!name.empty() && name.find('/') == std::string::npos)
    for (const std::string& dir : dirs) {
      const fs::path path = fs::path(dir) / (name + extension);
      std::error_code error;
      const bool there = fs::exists(path, error);
      if (there) return path.string();
      if (error && !is_missing(error) && !unreadable) unreadable = file_error("The model file " + path.string(), error);
    }
  if (unreadable) throw *unreadable;
  const std::set<std::string> known = models_in(dirs);
  const std::string where = dirs.empty()
                                ? "no folder was given to search; set REDDIFF_MODEL_PATH"
                                : "searched " + joined(dirs) + "; set REDDIFF_MODEL_PATH to the folder that has it";
  throw Error(ErrorCode::not_found,
              "There is no prior '" + name + "' (" + where +
                  ", give a path ending in .safetensors, or use dct, which needs no file). Models found: " +
                  (known.empty() ? "none" : joined(known)) + ".");
}

struct Key {
  std::string path, card;  // of its own: links to one file may lie beside different cards
  std::uintmax_t size, card_size;
  fs::file_time_type changed, card_changed;
  std::string device;
  Precision precision;
  auto operator<=>(const Key&) const = default;
};

Key key_of(const std::string& path, at::Device device, Precision precision) {
  std::error_code error;
  const fs::path canonical = fs::canonical(path, error), card = fs::path(path).replace_extension(".json");
  if (error) throw file_error("The model file " + path, error);
  if (!fs::is_regular_file(canonical, error) && !error)
    throw Error(ErrorCode::open_read, "The model file " + path + " cannot be read: it is no file");
  const std::uintmax_t size = fs::file_size(canonical, error);
  const fs::file_time_type changed = error ? fs::file_time_type{} : fs::last_write_time(canonical, error);
  if (error) throw file_error("The model file " + path, error);
  std::error_code ignored;  // load_model says what is wrong with the card
  return {canonical.string(),
          fs::weakly_canonical(card, ignored).string(),
          size,
          fs::file_size(card, ignored),
          changed,
          fs::last_write_time(card, ignored),
          device.str(),
          precision};
}

}  // namespace

DenoiserPtr load_conv_unet(const std::string& name_or_path, const std::string& model_dirs, at::Device device,
                           Precision precision) {
  // Held while loading: a second element that starts at the same time waits and then shares.
  static std::mutex mutex;
  static std::map<Key, std::weak_ptr<const Denoiser>> loaded;

  const std::string path = find_model(name_or_path, model_dirs);
  const std::lock_guard lock(mutex);
  std::erase_if(loaded, [](const auto& entry) { return entry.second.expired(); });
  const Key key = key_of(path, device, precision);
  if (const auto found = loaded.find(key); found != loaded.end())
    if (DenoiserPtr prior = found->second.lock()) return prior;
  const Model model = load_model(path);
  DenoiserPtr prior = with_graphs(make_conv_unet(model.tensors, model.card, device, precision));
  loaded[key] = prior;
  return prior;
}

}  // namespace reddiff
