// SPDX-License-Identifier: LGPL-2.1-or-later
//
// OpenCV reads through the element: VideoCapture with a pipeline as its file name.
#include <gtest/gtest.h>

#include <cmath>
#include <opencv2/core.hpp>
#include <opencv2/videoio.hpp>
#include <string>
#include <vector>

// Every frame of `videotestsrc ! middle`.
static std::vector<cv::Mat> read(const std::string& middle) {
  cv::VideoCapture capture(
      "videotestsrc num-buffers=20 pattern=ball ! video/x-raw,format=I420,width=64,height=48,framerate=25/1 ! " +
          middle + " ! videoconvert ! video/x-raw,format=BGR ! appsink sync=false",
      cv::CAP_GSTREAMER);
  std::vector<cv::Mat> frames;
  if (!capture.isOpened()) return frames;
  EXPECT_EQ(capture.get(cv::CAP_PROP_FPS), 25);
  for (cv::Mat frame; capture.read(frame);) frames.push_back(frame.clone());
  return frames;
}

static const std::string restore = "reddiff prior=dct steps=2 noise=10";

TEST(OpenCv, reads_each_frame_restored) {
  const std::vector<cv::Mat> plain = read("identity"), restored = read(restore);
  ASSERT_EQ(plain.size(), 20u);
  ASSERT_EQ(restored.size(), 20u);
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(restored[i].size(), cv::Size(64, 48));
    const double rms = cv::norm(plain[i], restored[i], cv::NORM_L2) / std::sqrt(64. * 48 * 3);
    EXPECT_GT(rms, 0) << "frame " << i;
    EXPECT_LT(rms, 25) << "frame " << i;
  }
}

TEST(OpenCv, reads_enlarged) {
  const std::vector<cv::Mat> frames = read(restore + " task=super-resolution scale=2");
  ASSERT_EQ(frames.size(), 20u);
  for (const cv::Mat& frame : frames) EXPECT_EQ(frame.size(), cv::Size(128, 96));
}

TEST(OpenCv, is_told_of_a_failure) {
  ASSERT_FALSE(read(restore).empty());
  EXPECT_TRUE(read(restore + " operator=nonsense").empty());
}
