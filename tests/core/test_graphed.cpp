// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Which calls of a prior are recorded and replayed, and what becomes of the recordings; on the CPU, with a recorder that does the work
// again.
#include <ATen/ATen.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <thread>

#include "core/api/abort.h"
#include "core/api/error.h"
#include "core/priors/graphed.h"
#include "core/priors/tiled.h"
#include "tests/core/fake_priors.h"
#include "tests/core/scene.h"

namespace reddiff {
namespace {

// What a recorder was asked for, and what it is to do.
struct Log {
  int recorded = 0, alive = 0, replays = 0, releases = 0, inside = 0;
  std::int64_t bytes = 0, most_bytes = 0, bytes_of_next = 0;
  bool refuses = false, lacks_memory = false;
};

class Again final : public Recording {
 public:
  Again(Log& log, std::function<void()> work) : log_(log), work_(std::move(work)) { ++log_.alive; }
  ~Again() override { --log_.alive; }
  void replay() override {
    EXPECT_EQ(log_.inside, 1);
    ++log_.replays;
    work_();
  }

 private:
  Log& log_;
  std::function<void()> work_;
};

class AgainRecorder final : public Recorder {
 public:
  explicit AgainRecorder(Log& log) : log_(log) {}
  std::unique_ptr<Recording> record(const std::function<void()>& work) override {
    EXPECT_EQ(log_.inside, 1);
    if (log_.refuses) throw std::runtime_error("not here");
    if (log_.lacks_memory) C10_THROW_ERROR(OutOfMemoryError, "no memory");
    work();
    ++log_.recorded;
    log_.bytes += log_.bytes_of_next;
    log_.most_bytes = std::max(log_.most_bytes, log_.bytes);
    return std::make_unique<Again>(log_, work);
  }
  void enter() override { EXPECT_EQ(++log_.inside, 1); }
  void leave() override { --log_.inside; }
  void wait() override {}
  std::int64_t bytes() const override { return log_.bytes; }
  void release() override {
    EXPECT_EQ(log_.alive, 0);
    log_.bytes = 0;
    ++log_.releases;
  }

 private:
  Log& log_;
};

// Two kinds of error with different answers; may run out of memory.
class TwoKinds final : public testing::GaussianPrior {
 public:
  explicit TwoKinds(double mean = 0.2, bool first = true) : GaussianPrior(mean, 0.3) {
    if (first) camera = std::make_unique<TwoKinds>(-0.5, false);
  }
  at::Tensor denoise(const at::Tensor& u, const at::Tensor& sigma) const override {
    if (fails-- > 0) C10_THROW_ERROR(OutOfMemoryError, "no memory");
    throw_if_aborted();
    return GaussianPrior::denoise(u, sigma);
  }
  std::vector<std::string> kinds() const override {
    return camera ? std::vector<std::string>{"white", "camera"} : std::vector<std::string>{"camera"};
  }
  const Denoiser* for_kind(std::string_view kind) const override {
    return kind == kinds().front() ? this : (camera && kind == "camera" ? camera.get() : nullptr);
  }

  std::unique_ptr<TwoKinds> camera;
  mutable int fails = 0;
};

struct Subject {
  std::shared_ptr<TwoKinds> prior = std::make_shared<TwoKinds>();
  Log log;
  GraphedDenoiser graphed{prior, std::make_unique<AgainRecorder>(log)};

  // One call with values of its own, which has to be right.
  void call(std::int64_t height, std::int64_t width, bool per_pixel = false, const char* kind = "white") {
    const auto values = [&](std::int64_t channels) {
      return at::linspace(0.1, 0.01 * ++seed, channels * height * width).view({1, channels, height, width});
    };
    const auto u = values(3), sigma = per_pixel ? values(1) : at::full({1, 1, 1, 1}, 0.01 * ++seed);
    const auto answer = graphed.for_kind(kind)->denoise(u, sigma);
    const AbortScope whatever(nullptr);
    EXPECT_TRUE(at::equal(answer, TwoKinds(kind == std::string("white") ? 0.2 : -0.5).denoise(u, sigma)));
  }
  void call_often(int times, std::int64_t height, std::int64_t width) {
    for (int i = 0; i < times; ++i) call(height, width);
  }

  int seed = 0;
};

TEST(Graphed, TheThirdCallOfASizeIsRecordedAndLaterOnesAreReplays) {
  Subject s;
  s.call_often(2, 8, 9);
  EXPECT_EQ(s.log.recorded, 0);
  s.call_often(1, 8, 9);
  EXPECT_EQ(s.log.recorded, 1);
  EXPECT_EQ(s.log.replays, 0);
  s.call_often(5, 8, 9);
  EXPECT_EQ(s.log.recorded, 1);
  EXPECT_EQ(s.log.replays, 5);
  EXPECT_EQ(s.graphed.recordings(), 1);
}

TEST(Graphed, SizesLevelsPerPixelBatchesAndKindsHaveTheirOwnRecordings) {
  Subject s;
  for (int i = 0; i < 6; ++i) {
    s.call(8, 9);
    s.call(9, 8);
    s.call(8, 9, true);
    s.call(8, 9, false, "camera");
  }
  EXPECT_EQ(s.graphed.recordings(), 4);
  EXPECT_EQ(s.log.recorded, 4);
  EXPECT_EQ(s.log.replays, 4 * 3);
}

TEST(Graphed, AnAnswerStaysWhenTheNextOneIsComputed) {
  Subject s;
  s.call_often(3, 4, 4);
  const auto sigma = at::full({1, 1, 1, 1}, 0.5), u = noise({1, 3, 4, 4}, 50);
  const auto first = s.graphed.denoise(u, sigma), copy = first.clone();
  s.graphed.denoise(u + 1, sigma);
  EXPECT_TRUE(at::equal(first, copy));
}

TEST(Graphed, PartsOfPicturesAreRead) {
  Subject s;
  const auto whole = noise({1, 3, 20, 30}, 60), part = whole.narrow(2, 3, 8).narrow(3, 5, 9);
  const auto sigma = at::full({1, 1, 1, 1}, 0.25).expand({1, 1, 8, 9});
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(at::equal(s.graphed.denoise(part, sigma), TwoKinds().denoise(part, sigma)));
  EXPECT_EQ(s.log.replays, 2);
}

TEST(Graphed, WorksInsideAndOutsideOfInferenceMode) {
  Subject s;
  for (int i = 0; i < 4; ++i) s.call(5, 5);
  {
    const c10::InferenceMode inference;
    s.call_often(4, 5, 5);
    s.call_often(4, 6, 6);
  }
  s.call_often(2, 6, 6);
  EXPECT_EQ(s.log.replays, 1 + 4 + 1 + 2);
}

TEST(Graphed, TheNumberOfRecordingsHasAnEnd) {
  Subject s;
  for (int i = 0; i < 100; ++i) s.call_often(4, 4 + i, 4);
  EXPECT_GT(s.log.releases, 0);
  EXPECT_LE(s.graphed.recordings(), 32);
  EXPECT_EQ(s.log.alive, s.graphed.recordings());
}

std::int64_t megabytes(std::int64_t count) { return count << 20; }

TEST(Graphed, SizesThatGrowDoNotPileUpMemory) {
  Subject s;
  for (int i = 0; i < 40; ++i) {
    s.log.bytes_of_next = megabytes(100 + i);
    s.call_often(40, 4 + i, 4);
    EXPECT_LE(s.log.bytes, 3 * s.log.bytes_of_next);
  }
  EXPECT_LE(s.log.most_bytes, 4 * s.log.bytes_of_next);
  EXPECT_GE(s.log.recorded, 40);
}

TEST(Graphed, LittleMemoryIsNotWorthForgetting) {
  Subject s;
  s.log.bytes_of_next = megabytes(10);
  for (int i = 0; i < 18; ++i) s.call_often(4, 4 + i, 4);
  EXPECT_EQ(s.graphed.recordings(), 18);
}

TEST(Graphed, RecordingsOfNoUseAreMadeMoreRarely) {
  Subject s;
  s.log.bytes_of_next = megabytes(100);
  for (int i = 0; i < 200; ++i) s.call_often(4, 4 + i, 4);
  EXPECT_LT(s.log.recorded, 20);
  s.call_often(2100, 4, 4);  // it settles
  EXPECT_GT(s.log.replays, 1000);
}

TEST(Graphed, WhatCannotBeRecordedIsCalledPlainly) {
  Subject s;
  s.log.refuses = true;
  EXPECT_NE(s.graphed.description().find("in CUDA graphs"), std::string::npos);
  s.call_often(3, 8, 8);
  s.log.refuses = false;
  s.call_often(5, 8, 8);
  EXPECT_EQ(s.log.recorded, 0);
  EXPECT_NE(s.graphed.description().find("call by call"), std::string::npos);
  EXPECT_EQ(s.log.inside, 0);
}

TEST(Graphed, ARecordingThatFindsNoMemoryIsTriedAgainMuchLater) {
  Subject s;
  s.call_often(5, 4, 4);
  s.log.lacks_memory = true;
  s.call_often(3, 8, 8);
  s.log.lacks_memory = false;
  EXPECT_EQ(s.log.alive, 0);
  const int before = s.log.recorded;
  s.call_often(20, 8, 8);
  EXPECT_EQ(s.log.recorded, before);
  s.call_often(1024, 8, 8);
  EXPECT_EQ(s.log.recorded, before + 1);
}

TEST(Graphed, RecordingsGiveTheirMemoryToAPriorThatNeedsIt) {
  Subject s;
  s.call_often(5, 4, 4);
  s.prior->fails = 1;
  s.call(8, 8);
  EXPECT_EQ(s.log.alive, 0);
  s.prior->fails = 1;
  EXPECT_THROW(s.call(9, 8), c10::OutOfMemoryError);
  s.call(9, 8);
}

TEST(Graphed, AsksOnceWhetherToGoOn) {
  Subject s;
  s.call_often(4, 4, 4);
  std::atomic<bool> abort = false;
  {
    const AbortScope scope(&abort);
    s.call_often(1, 4, 4);
    abort = true;
    EXPECT_THROW(s.call(4, 4), Error);
  }
  s.call(4, 4);
  // Nor does a request end a recording half-way.
  s.call_often(2, 5, 5);
  abort = false;
  const AbortScope scope(&abort);
  const AbortAtAsk second(abort, 2);
  s.call(5, 5);
  EXPECT_EQ(s.graphed.recordings(), 2);
}

TEST(Graphed, AnErrorOfThePriorLeavesWhatIsRecorded) {
  Subject s;
  s.call_often(4, 4, 4);
  EXPECT_THROW(s.graphed.denoise(noise({1, 3, 4}, 1), at::full({7, 7, 7, 7}, .1)), std::exception);
  s.call_often(2, 4, 4);
  EXPECT_EQ(s.log.replays, 3);
  EXPECT_EQ(s.log.inside, 0);
}

TEST(Graphed, ThreadsShareTheRecordings) {
  Subject s;
  s.call_often(3, 6, 7);
  const auto work = [&](std::uint64_t seed) {
    for (int i = 0; i < 50; ++i) {
      const auto u = noise({1, 3, 6, 7}, seed * 100 + static_cast<std::uint64_t>(i)),
                 sigma = at::full({1, 1, 1, 1}, .3);
      EXPECT_TRUE(at::equal(s.graphed.denoise(u, sigma), TwoKinds().denoise(u, sigma)));
    }
  };
  std::thread one(work, 1), two(work, 2);
  one.join();
  two.join();
  EXPECT_EQ(s.log.replays, 100);
}

TEST(Graphed, TilesOfOneSizeReplayOneRecording) {
  Subject s;
  const TiledDenoiser tiled(DenoiserPtr(&s.graphed, [](const Denoiser*) {}), {.size = 64, .overlap = 16});
  const auto u = noise({1, 3, 64, 160}, 70), sigma = at::full({1, 1, 1, 1}, .3);
  for (int i = 0; i < 3; ++i) {
    const auto answer = tiled.denoise(u, sigma), plain = TwoKinds().denoise(u, sigma);
    EXPECT_LT((answer - plain).abs().max().item<double>(), 1e-6);
  }
  EXPECT_EQ(s.graphed.recordings(), 1);
}

TEST(Graphed, OnTheCpuThePriorStaysAsItIs) {
  const DenoiserPtr prior = std::make_shared<TwoKinds>();
  EXPECT_EQ(with_graphs(prior), prior);
}

}  // namespace
}  // namespace reddiff
