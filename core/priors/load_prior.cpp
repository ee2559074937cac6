// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/priors/load_prior.h"

#include <c10/core/GradMode.h>

#include <algorithm>
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
#include "core/priors/diffusion_denoiser.h"
#include "core/priors/graphed.h"
#include "core/priors/guided_unet.h"
#include "core/priors/precision.h"
#include "core/priors/script_network.h"

namespace reddiff {
namespace {

namespace fs = std::filesystem;

// What files of weights are called; a name alone is looked for with each of them.
constexpr std::string_view extensions[] = {".safetensors", ".pt", ".pth", ".ts"};

bool is_path(const std::string& name) {
  return std::any_of(std::begin(extensions), std::end(extensions),
                     [&](std::string_view e) { return name.ends_with(e); });
}

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
      if (is_path(entry.path().filename()) && fs::exists(fs::path(entry.path()).replace_extension(".json"), ignored))
        names.insert(entry.path().stem().string());
  }
  return names;
}

// The first folder that has it. One that may not be searched is passed over, and told of if no other has it.
std::string find_model(const std::string& name, const std::string& model_dirs) {
  if (is_path(name)) return expand_home(name);
  const std::vector<std::string> dirs = split(model_dirs);
  std::optional<Error> unreadable;
  if (!name.empty() && name.find('/') == std::string::npos)
    for (const std::string& dir : dirs)
      for (const std::string_view extension : extensions) {
        const fs::path path = fs::path(dir) / (name + std::string(extension));
        std::error_code error;
        const bool there = fs::exists(path, error);
        if (there) return path.string();
        if (error && !is_missing(error) && !unreadable)
          unreadable = file_error("The model file " + path.string(), error);
      }
  if (unreadable) throw *unreadable;
  const std::set<std::string> known = models_in(dirs);
  const std::string where = dirs.empty()
                                ? "no folder was given to search; set REDDIFF_MODEL_PATH"
                                : "searched " + joined(dirs) + "; set REDDIFF_MODEL_PATH to the folder that has it";
  throw Error(
      ErrorCode::not_found,
      "There is no prior '" + name + "' (" + where +
          ", give a path ending in .safetensors, .pt, .pth or .ts, or use dct, which needs no file). Models found: " +
          (known.empty() ? "none" : joined(known)) + ".");
}

struct Key {
  std::string path, card;  // of its own: links to one file may lie beside different cards
  std::uintmax_t size, card_size;
  fs::file_time_type changed, card_changed;
  std::string device;
  Precision precision;
  bool allow_code;  // who may not run a program gets none that another one runs
  bool time_counts;
  auto operator<=>(const Key&) const = default;
};

Key key_of(const std::string& path, const NetworkRequest& request) {
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
          request.device.str(),
          request.precision,
          request.allow_code,
          request.time_counts};
}

using Request = NetworkRequest;

DenoiserPtr make_conv(const Model& model, const Request& request, const std::string&) {
  return with_graphs(make_conv_unet(model.tensors, model.card, request.device, request.precision, request.time_counts));
}

DenoiserPtr make_guided(const Model& model, const Request& request, const std::string&) {
  const auto dtype = dtype_of(chosen_precision(request.precision, precision_facts(request.device, false), false));
  auto network = make_guided_unet(model.tensors, model.card, request.device, dtype);
  return with_graphs(std::make_shared<const DiffusionDenoiser>(std::move(network), model.card));
}

// Not recorded: a program may do what no recording holds.
DenoiserPtr make_script(const Model& model, const Request& request, const std::string& path) {
  if (!request.allow_code)
    throw Error(ErrorCode::settings,
                "The prior " + path +
                    " is a TorchScript program, which would run with your rights; set allow-code=true "
                    "if you trust where it comes from.");
  auto network = load_script(model.file, model.card, request.device, request.precision);
  return std::make_shared<const DiffusionDenoiser>(std::move(network), model.card);
}

struct Architecture {
  std::string_view name;  // in cards
  DenoiserPtr (*make)(const Model& model, const Request& request, const std::string& path);
};
constexpr Architecture architectures[] = {
    {"conv-unet", make_conv}, {"guided-unet", make_guided}, {torchscript, make_script}};

DenoiserPtr make_network(const std::string& path, const Request& request) {
  const c10::NoGradGuard no_grad;
  const Model model = load_model(path);
  for (const Architecture& architecture : architectures)
    if (model.card.architecture == architecture.name) return architecture.make(model, request, path);
  TORCH_CHECK(false, "an architecture of the cards is missing from the table");
}

}  // namespace

DenoiserPtr load_network(const NetworkRequest& request) {
  // Held while loading: a second element that starts at the same time waits and then shares.
  static std::mutex mutex;
  static std::map<Key, std::weak_ptr<const Denoiser>> loaded;

  const std::string path = find_model(request.name, request.model_dirs);
  const std::lock_guard lock(mutex);
  std::erase_if(loaded, [](const auto& entry) { return entry.second.expired(); });
  const Key key = key_of(path, request);
  if (const auto found = loaded.find(key); found != loaded.end())
    if (DenoiserPtr prior = found->second.lock()) return prior;
  DenoiserPtr prior = make_network(path, request);
  loaded[key] = prior;
  return prior;
}

}  // namespace reddiff
