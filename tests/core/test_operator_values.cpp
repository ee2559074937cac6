// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Operators against values from elsewhere: Pillow, slow loops over the definition, geometry. And what a kernel file may hold.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

#include "core/api/files.h"
#include "core/operators/blur_kernels.h"
#include "core/operators/cosine_transform.h"
#include "tests/core/operator_helpers.h"
#include "tests/core/ordinary_user.h"

namespace reddiff {
namespace {

TEST(Bicubic, EqualsPillow) {
  std::ifstream file(data_file("bicubic_reference.txt"));
  int factor = 0, cases = 0;
  for (std::int64_t height = 0, width = 0; file >> factor >> height >> width; ++cases) {
    const auto read = [&](std::int64_t h, std::int64_t w) {
      const at::Tensor t = at::empty({1, 1, h, w}, at::kFloat);
      for (std::int64_t i = 0; i < h * w; ++i) file >> t.mutable_data_ptr<float>()[i];
      return t;
    };
    const at::Tensor picture = read(height, width), expected = read(height / factor, width / factor);
    ASSERT_TRUE(file) << "the reference file ends early";
    const at::Tensor got = make("bicubic:factor=" + std::to_string(factor))->forward(picture);
    EXPECT_LT(largest(got - expected), 1e-6) << height << "x" << width << " by " << factor;
  }
  EXPECT_EQ(cases, 7);
}

// Index of the half-sample symmetric extension, by walking.
std::int64_t mirrored(std::int64_t i, std::int64_t n) {
  while (i < 0 || i >= n) i = i < 0 ? -1 - i : 2 * n - 1 - i;
  return i;
}

// y(r, c) = sum of k(a, b) x(r - a, c - b), a and b counted from the middle of k.
at::Tensor slow_blur(const at::Tensor& x, const at::Tensor& k) {
  const std::int64_t height = x.size(2), width = x.size(3), rows = k.size(0), columns = k.size(1);
  at::Tensor y = at::zeros_like(x);
  auto from = x.accessor<double, 4>(), to = y.accessor<double, 4>();
  auto taps = k.accessor<double, 2>();
  for (std::int64_t r = 0; r < height; ++r)
    for (std::int64_t c = 0; c < width; ++c)
      for (std::int64_t a = 0; a < rows; ++a)
        for (std::int64_t b = 0; b < columns; ++b)
          to[0][0][r][c] +=
              taps[a][b] * from[0][0][mirrored(r - a + rows / 2, height)][mirrored(c - b + columns / 2, width)];
  return y;
}

TEST(Blur, EqualsTheDefinition) {
  const at::Tensor lopsided =
      at::tensor({.1, .2, 0., .4, 2., .3, 0., 1., .5, 0., .7, .1, .2, .1, 0.}, at::kDouble).view({5, 3}) / 5.6;
  const at::Tensor t = at::arange(-7, 8, at::kDouble), gauss = (t * t / (-2 * 1.6 * 1.6)).exp();
  const at::Tensor one = gauss / gauss.sum();
  const Kernel oblique = motion_kernel(11, 40);  // large enough for the FFT
  const std::pair<std::string, at::Tensor> cases[] = {
      {"kernel:file=\"" + data_file("kernel_5x3.txt") + "\"", lopsided},
      {"gaussian-blur:sigma=1.6", at::outer(one, one)},
      {"box-blur:size=7", at::full({7, 7}, 1.0 / 49, at::kDouble)},
      {"motion-blur:length=5:angle=0", at::full({1, 5}, 0.2, at::kDouble)},
      {"motion-blur:length=5:angle=90", at::full({5, 1}, 0.2, at::kDouble)},
      {"motion-blur:length=4:angle=180", at::tensor({.125, .25, .25, .25, .125}, at::kDouble).view({1, 5})},
      {"motion-blur:length=1:angle=33", at::ones({1, 1}, at::kDouble)},
      {"motion-blur:length=11:angle=40", at::tensor(oblique.taps, at::kDouble).view({oblique.rows, oblique.columns})}};
  for (const auto& [text, kernel] : cases)
    for (const auto size : {ImageSize{1, 1}, ImageSize{2, 3}, ImageSize{1, 9}, ImageSize{7, 5}, ImageSize{41, 83}}) {
      const at::Tensor x = randn({1, 1, size.height, size.width}, 21);
      EXPECT_LT(largest(make(text)->forward(x) - slow_blur(x, kernel)), 1e-12)
          << text << " " << size.height << "x" << size.width;
    }
}

TEST(CosineTransform, EqualsTheDefinitionAndInverts) {
  const CosineTransform transform;
  const auto basis = [](std::int64_t n) {
    const at::Tensor k = at::arange(n, at::kDouble);
    return at::outer(k, 2 * k + 1).mul(M_PI / (2.0 * static_cast<double>(n))).cos();
  };
  for (const auto size : {ImageSize{1, 1}, ImageSize{1, 2}, ImageSize{3, 1}, ImageSize{6, 7}, ImageSize{53, 40}}) {
    const at::Tensor x = randn({2, 3, size.height, size.width}, 22), got = transform.forward(x);
    const at::Tensor expected = at::matmul(at::matmul(basis(size.height), x), basis(size.width).t());
    EXPECT_LT(largest(got - expected.reshape({6, size.height, size.width}).permute({2, 0, 1})), 1e-11)
        << size.height << "x" << size.width;
    EXPECT_LT(largest(transform.inverse(got, x) - x), 1e-13) << size.height << "x" << size.width;
  }
}

TEST(Blur, MotionRunsAlongItsAngle) {
  at::Tensor x = at::zeros({1, 1, 41, 41}, at::kDouble);
  x[0][0][20][20] = 1;
  const at::Tensor row = at::arange(41, at::kDouble).view({41, 1}) - 20, column = at::arange(41, at::kDouble) - 20;
  for (const double angle : {-150., -45., -20., 0., 10., 45., 60., 90., 135.}) {
    const at::Tensor y = make("motion-blur:length=21:angle=" + std::to_string(angle))->forward(x)[0][0];
    EXPECT_GE(number(y.min()), -1e-15) << "rounding of an FFT at most";
    EXPECT_NEAR(number((y * row).sum()), 0, 1e-12) << "no shift";
    EXPECT_NEAR(number((y * column).sum()), 0, 1e-12) << "no shift";
    // Variance along the line: that of a uniform stretch of 21 pixels; across: less than that of one pixel.
    const double c = std::cos(angle * M_PI / 180), s = std::sin(angle * M_PI / 180);
    EXPECT_NEAR(number((y * (column * c - row * s).square()).sum()), 21 * 21 / 12.0, 0.4) << angle;
    EXPECT_LT(number((y * (column * s + row * c).square()).sum()), 0.26) << angle;
  }
}

TEST(Kernel, RefusesWhatIsNoKernel) {
  const std::string path = testing::TempDir() + "reddiff-kernel-" + std::to_string(getpid());
  const auto refusal = [](const std::string& file) {
    try {
      make_operator({{{"kernel", {}, {{"file", file}}}}});
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(file), std::string::npos) << error.what();
      return std::pair(error.code(), std::string(error.what()));
    }
    return std::pair(ErrorCode::failed, std::string("accepted"));
  };
  const std::pair<std::string, const char*> cases[] = {
      {"", "odd"},           {"# nothing\n", "odd"},     {"1 1\n", "odd"},
      {"1\n1\n", "odd"},     {"1 2 3\n1 2\n", "line 2"}, {"1 x 1\n", "\"x\""},
      {"1 nan 1", "finite"}, {"1 1e999 1", "finite"},    {"1 -2 1", "positive"},
      {"0", "positive"},     {"-1 -1 -1", "positive"},   {"1e308 1e308 1e308", "positive"}};
  for (const auto& [content, word] : cases) {
    std::ofstream(path) << content;
    const auto [code, sentence] = refusal(path);
    EXPECT_EQ(code, ErrorCode::settings) << content;
    EXPECT_NE(sentence.find(word), std::string::npos) << sentence;
  }
  std::string wide, tall;
  for (int i = 0; i < 101; ++i) wide += "1 ", tall += "1\n";
  for (const auto& [content, word] :
       {std::pair(wide, "more than 99"), {tall, "more than 99"}, {std::string(1 << 21, ' '), "1 MiB"}}) {
    std::ofstream(path) << content;
    EXPECT_NE(refusal(path).second.find(word), std::string::npos);
  }
  std::ofstream(path) << "1\n";
  std::filesystem::permissions(path, std::filesystem::perms::none);
  {
    const OrdinaryUser user;
    const auto [code, sentence] = refusal(path);
    EXPECT_EQ(code, ErrorCode::open_read);
    EXPECT_NE(sentence.find("permissions"), std::string::npos) << sentence;
  }
  std::remove(path.c_str());
  EXPECT_EQ(refusal(path).first, ErrorCode::not_found);
  EXPECT_NE(refusal(testing::TempDir()).second.find("plain file"), std::string::npos);
}

TEST(Kernel, IsFoundInTheHomeFolder) {
  const std::filesystem::path home =
      std::filesystem::path(testing::TempDir()) / ("reddiff-home-" + std::to_string(getpid()));
  std::filesystem::create_directories(home);
  std::ofstream(home / "psf.txt") << "1 2 1\n";
  const char* before = std::getenv("HOME");
  const std::string kept = before ? before : "";
  setenv("HOME", home.c_str(), 1);
  EXPECT_EQ(read_kernel("~/psf.txt").columns, 3);
  EXPECT_EQ(expand_home("~"), home.string());
  for (const char* path : {"", "~psf.txt", "a/~/b", "/~", "./~"}) EXPECT_EQ(expand_home(path), path);
  unsetenv("HOME");
  EXPECT_EQ(expand_home("~/a"), "~/a");
  if (before) setenv("HOME", kept.c_str(), 1);
  std::filesystem::remove_all(home);
}

}  // namespace
}  // namespace reddiff
