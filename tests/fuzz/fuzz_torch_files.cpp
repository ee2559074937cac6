// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Feeds arbitrary bytes to the reader of what torch.save writes: the archive, and the restricted machine that reads its pickle, once
// inside an archive and once alone. Only reddiff::Error may come out. Built twice, as fuzz_safetensors is.
#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/api/error.h"
#include "core/weights/pickled_state.h"
#include "core/weights/torch_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  try {
    reddiff::is_torchscript(bytes, "input");
    std::size_t values = 0;
    for (const auto& [name, tensor] : reddiff::parse_torch_file(bytes, "input"))
      values += static_cast<std::size_t>(tensor.numel());
    if (values > size) __builtin_trap();  // more values than bytes: a size was believed without a check
  } catch (const reddiff::Error&) {
  }
  try {
    if (reddiff::read_pickled_state(bytes, "input").size() > size) __builtin_trap();
  } catch (const reddiff::Error&) {
  }
  return 0;
}

#ifdef REDDIFF_FUZZ_MAIN

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "tests/core/stored_archive.h"

namespace {

using Random = std::mt19937_64;

std::string read(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::size_t below(Random& random, std::size_t n) { return static_cast<std::size_t>(random() % n); }

// Instructions, and arguments that are known to be trouble.
constexpr std::string_view words[] = {"(",
                                      ")",
                                      "t",
                                      "R",
                                      "b",
                                      "Q",
                                      "s",
                                      "u",
                                      "a",
                                      "e",
                                      "]",
                                      "}",
                                      "N",
                                      "K\x7f",
                                      "\x85",
                                      "\x86",
                                      "q",
                                      "h\x01",
                                      "\xff",
                                      "cos\nsystem\n",
                                      "ccollections\nOrderedDict\n",
                                      "ctorch\nFloatStorage\n",
                                      "J\xff\xff\xff\xff",
                                      "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f",
                                      "X\xff\xff\xff\x7f",
                                      "PK\x05\x06"};

void mutate(std::string& text, Random& random) {
  if (text.empty()) text = "x";
  const std::size_t place = below(random, text.size());
  switch (below(random, 6)) {
    case 0:
      text[place] = static_cast<char>(random());
      break;
    case 1:
      text.erase(place, 1 + below(random, 8));
      break;
    case 2:
      text.insert(place, words[below(random, std::size(words))]);
      break;
    case 3:
      text.resize(place);
      break;
    case 4:
      text[place] = static_cast<char>(text[place] ^ (1 << below(random, 8)));
      break;
    case 5:
      text.insert(place, text.substr(below(random, text.size()), 1 + below(random, 64)));
      break;
  }
}

// The pickle of an archive that torch.save wrote, for mutations that reach the machine.
std::string pickle_of(const std::string& archive) {
  const std::size_t begin = archive.find('\x80', archive.find("data.pkl"));
  const std::size_t end = archive.find("PK", begin);
  return begin == archive.npos ? std::string() : archive.substr(begin, end - begin);
}

}  // namespace

int main(int argc, char** argv) {
  const long rounds = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 20000;
  const char* folder = std::getenv("REDDIFF_TEST_DATA");
  std::vector<std::string> seeds, pickles;
  for (const char* name : {"state.pt", "wrapped.pt", "parameters.pt", "runs.pt"}) {
    seeds.push_back(read(std::filesystem::path(folder ? folder : "tests/core/data") / "torch_files" / name));
    pickles.push_back(pickle_of(seeds.back()));
    if (pickles.back().empty()) return std::printf("%s cannot be read\n", name), 1;
  }
  Random random(1);
  for (long round = 0; round < rounds; ++round) {
    const std::size_t seed = below(random, seeds.size());
    const bool inside = random() % 2 == 0;
    std::string text = inside ? pickles[seed] : seeds[seed];
    for (std::size_t count = below(random, 6); count-- > 0;) mutate(text, random);
    if (inside)
      text = reddiff::stored_archive(
          {{"a/data.pkl", text}, {"a/data/0", std::string(24, '\1')}, {"a/data/1", std::string(24, '\1')}});
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  }
  std::printf("%ld inputs: nothing but reddiff::Error came out\n", rounds);
  return 0;
}

#endif
