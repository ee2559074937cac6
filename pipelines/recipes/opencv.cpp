// SPDX-License-Identifier: LGPL-2.1-or-later
//
// OpenCV: VideoCapture takes a pipeline in place of a file's name, and gives restored frames. To build and to run:
//   c++ opencv.cpp -o opencv -I/usr/include/opencv4 -lopencv_videoio -lopencv_core
//   GST_PLUGIN_PATH_1_0=build/gst-plugin ./opencv file:///PATH/IN.mp4 noise=10
#include <iostream>
#include <opencv2/core.hpp>
#include <opencv2/videoio.hpp>
#include <string>

int main(int count, char** words) {
  if (count < 2) {
    std::cerr << "usage: opencv URI [PROPERTY=VALUE...]\n";
    return 2;
  }
  std::string restore = "reddiff";
  for (int i = 2; i < count; ++i) restore += std::string(" ") + words[i];
  cv::VideoCapture capture("uridecodebin uri=" + std::string(words[1]) + " ! videoconvert ! " + restore +
                               " ! videoconvert ! video/x-raw,format=BGR ! appsink sync=false",
                           cv::CAP_GSTREAMER);
  int frames = 0;
  cv::Size size;
  for (cv::Mat frame; capture.read(frame); ++frames) size = frame.size();  // here is what is done with a frame
  if (!frames) {
    std::cerr << "opencv: not a frame of " << words[1] << "; GST_DEBUG=1 says why\n";
    return 1;
  }
  std::cout << frames << " frames of " << size.width << "x" << size.height << '\n';
  return 0;
}
