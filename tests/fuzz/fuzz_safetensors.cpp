// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Feeds arbitrary bytes to the readers of model files. Only reddiff::Error may come out, whatever goes in. Built twice:
// with clang for libFuzzer (fuzz_safetensors_libfuzzer), and with a main of its own that mutates seeds for a given
// number of rounds (fuzz_safetensors), so that every compiler's test run exercises it.
#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/api/error.h"
#include "core/weights/model_card.h"
#include "core/weights/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  try {
    std::size_t values = 0;
    for (const auto& [name, tensor] : reddiff::parse_safetensors({bytes, size}, "input"))
      values += static_cast<std::size_t>(tensor.numel());
    if (values > size) __builtin_trap();  // more values than bytes: a size was believed without a check
  } catch (const reddiff::Error&) {
  }
  try {
    reddiff::parse_model_card({reinterpret_cast<const char*>(data), size}, "input");
  } catch (const reddiff::Error&) {
  }
  return 0;
}

#ifdef REDDIFF_FUZZ_MAIN

#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace {

std::string with_length(const std::string& header, const std::string& data) {
  std::string text;
  for (int i = 0; i < 8; ++i) text += static_cast<char>(header.size() >> (8 * i) & 255);
  return text + header + data;
}

const std::vector<std::string>& seeds() {
  static const std::vector<std::string> list = {
      with_length(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", std::string(8, '\1')),
      with_length(R"({"__metadata__":{"k":"v"},"a":{"dtype":"F16","shape":[2,1],"data_offsets":[0,4]},)"
                  R"("b":{"dtype":"BF16","shape":[],"data_offsets":[4,6]}})",
                  std::string(6, '\2')),
      R"({"format":1,"name":"n","architecture":"conv-unet","config":{"ch":[8,16],"enc":[1],"mid":1,"dec":[1],"e":4},)"
      R"("preconditioning":{"type":"edm","sigma_data":0.5},"range":[-1,1],"sigma":[0.003,5],"multiple_of":4,)"
      R"("per_pixel_sigma":true,"dtype":"float32","sha256":"aa","bytes":1,"licence":"x","training":"x","figures":{}})"};
  return list;
}

// Words that JSON readers stumble over; inserted as they are.
constexpr std::string_view words[] = {
    "[",    "]",       "{",      "}",   "\"",   ",",      "-1",        "0", "1e999", "18446744073709551615",
    "null", "\\u0000", "\"a\":", "F32", "\xff", "[[[[[[", "4294967296"};

void mutate(std::string& text, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  if (text.empty()) text = "x";
  const std::size_t place = below(text.size());
  switch (below(6)) {
    case 0:
      text[place] = static_cast<char>(random());
      break;
    case 1:
      text.erase(place, 1 + below(8));
      break;
    case 2:
      text.insert(place, words[below(std::size(words))]);
      break;
    case 3:
      text.resize(place);
      break;
    case 4:
      text[place] = static_cast<char>(text[place] ^ (1 << below(8)));
      break;
    case 5:
      text.insert(place, text.substr(below(text.size()), 1 + below(32)));
      break;
  }
}

// Keeps the length prefix right half of the time, so that mutations reach the JSON behind it.
void repair_length(std::string& text, std::mt19937_64& random) {
  const std::size_t end = text.rfind('}');
  if (random() % 2 == 0 || text.size() < 8 || end == text.npos || end < 8) return;
  for (int i = 0; i < 8; ++i) text[static_cast<std::size_t>(i)] = static_cast<char>((end - 7) >> (8 * i) & 255);
}

}  // namespace

int main(int argc, char** argv) {
  const long rounds = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 20000;
  std::mt19937_64 random(1);
  for (long round = 0; round < rounds; ++round) {
    std::string text = seeds()[random() % seeds().size()];
    for (std::size_t count = random() % 6; count-- > 0;) mutate(text, random);
    repair_length(text, random);
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  }
  std::printf("%ld inputs: nothing but reddiff::Error came out\n", rounds);
  return 0;
}

#endif
