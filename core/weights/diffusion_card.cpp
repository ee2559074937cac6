// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/weights/diffusion_card.h"

#include <tuple>

namespace reddiff {
namespace {

constexpr std::pair<const char*, Head> head_words[] = {
    {"eps", Head::eps}, {"x0", Head::x0}, {"v", Head::v}, {"edm", Head::edm}, {"denoiser", Head::denoiser}};
constexpr std::pair<const char*, LevelInput> level_words[] = {{"step", LevelInput::step},
                                                              {"c-noise", LevelInput::c_noise},
                                                              {"sigma", LevelInput::sigma},
                                                              {"none", LevelInput::none}};
constexpr std::pair<const char*, BetaSchedule> schedule_words[] = {
    {"linear", BetaSchedule::linear}, {"root-linear", BetaSchedule::root_linear}, {"cosine", BetaSchedule::cosine}};
constexpr std::pair<const char*, bool> order_words[] = {{"heads-outside", true}, {"heads-inside", false}};
constexpr std::pair<const char*, bool> padding_words[] = {{"around", false}, {"after", true}};

void read_level(const CardFields& level, DiffusionCard& card) {
  card.level = level.one_of("input", level_words);
  if (card.level != LevelInput::step) return;
  card.schedule = level.one_of("schedule", schedule_words);
  card.steps = level.integer("steps", 2, 100000);
  if (card.schedule == BetaSchedule::cosine || !level.has("betas")) return;
  std::tie(card.beta_first, card.beta_last) = level.pair("betas");
  if (card.beta_first <= 0 || card.beta_first > card.beta_last || card.beta_last >= 1)
    level.wrong("betas", "[first, last], rising, between 0 and 1");
}

void read_attention(const CardFields& config, DiffusionCard& card) {
  if (config.has("heads") == config.has("head_channels"))
    config.wrong("heads", "a whole number, unless 'head_channels' is one");
  if (config.has("heads"))
    card.heads = config.integer("heads", 1, 1024);
  else
    card.head_channels = config.integer("head_channels", 1, 4096);
  card.heads_outside = config.one_of("attention_order", order_words);
  if (config.has("norm_epsilon")) card.norm_epsilon = config.number("norm_epsilon", 1e-12, 1);
  if (config.has("frequency_shift")) card.frequency_shift = config.number("frequency_shift", 0, 1);
  if (config.has("halving_pads")) card.pads_after = config.one_of("halving_pads", padding_words);
}

}  // namespace

DiffusionCard read_diffusion_card(const CardFields& root, bool attends) {
  DiffusionCard card;
  const CardFields preconditioning = root.child("preconditioning");
  card.head = preconditioning.one_of("type", head_words);
  if (card.head == Head::edm) card.sigma_data = preconditioning.number("sigma_data", 1e-3, 10);
  read_level(root.child("level"), card);
  std::tie(card.range_low, card.range_high) = root.pair("range");
  if (card.range_low < -1000 || card.range_high > 1000 || card.range_high - card.range_low < 1e-3)
    root.wrong("range", "[lowest, highest] value of the network's pictures, [-1, 1] or [0, 1] for most");
  if (root.has("size")) card.size = root.integer("size", 16, 8192);
  if (root.has("fixed_size")) card.fixed_size = root.boolean("fixed_size");
  if (card.fixed_size && (card.size < 64 || card.size % 16 != 0))
    root.wrong("size", "a multiple of 16 from 64 on where 'fixed_size' is true");
  if (attends) read_attention(root.child("config"), card);
  return card;
}

}  // namespace reddiff
