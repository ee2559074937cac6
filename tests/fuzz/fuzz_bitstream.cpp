// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Feeds arbitrary bytes to the readers of compressed streams, several frames to one reader. Whatever goes in, a reader ends, reads
// nothing outside (a sanitizer sees that), and what it says it understood is a possible frame. Built twice, like fuzz_safetensors.
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "gst-plugin/bitstream.h"

namespace {

long understood = 0;  // a fuzzer whose frames are all refused looks at nothing

void check(const reddiff::CodedFrame& frame) {
  ++understood;
  const bool possible = (frame.type == 'I' || frame.type == 'P' || frame.type == 'B') &&
                        std::isfinite(frame.scale_qp) && std::isfinite(frame.reference_qp) && frame.scale_qp > -80 &&
                        frame.scale_qp < 120 && frame.width > 0 && frame.height > 0 && frame.components.size() <= 4;
  if (!possible) __builtin_trap();
  for (const auto& component : frame.components)
    if (static_cast<std::size_t>(component.table) >= frame.tables.size()) __builtin_trap();
}

}  // namespace

// The first byte is the codec and its form, the second cuts the rest: that many times four bytes are codec_data, then come frames.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const auto reader = reddiff::make_bitstream_reader(static_cast<reddiff::Codec>(data[0] % 8), (data[0] & 0x80) != 0);
  const std::size_t cut = 4u * data[1];
  reddiff::Bytes rest(data + 2, size - 2);
  if (cut > 0) reader->on_codec_data(rest.first(std::min(cut, rest.size())));
  while (!rest.empty()) {
    const reddiff::Bytes part = rest.first(cut > 0 ? std::min(cut, rest.size()) : rest.size());
    reddiff::CodedFrame frame;
    if (reader->read(part, frame)) check(frame);
    rest = rest.subspan(part.size());
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

// Beginnings of streams, in hexadecimal: parameter sets and the first frames, each cut after its header.
constexpr const char* streams[] = {
    "0000016764000bacd982c4effc020001d4400000fa40003a9803c500000168e97844b22c00000165888400df3ef521bd65b9373206659f7a20"
    "8"
    "4d8f99906f9000001419a2569a8907c280814df8bd6130b94bdb32df701e79d47000001419e4278843fd7b26efa567a072bb1e84159b299f82"
    "d"
    "5ae2000001019e6174425fbb64211df204e5a55ff476cb8d8ba979a578",
    "00000142010101600000030090000003000003003ca0162024596762aaf2bffc020001d5a70800001f480003a980400000014401c173d90900"
    "0"
    "0012801af0831102fd0fa0abe4cb8e2543bcc29e9585ad205abf8b7f6b2e6afd5f00944c879e2c01de0bceb5eea2c683f7425c496611b8654c"
    "8"
    "0000010201d0195fa32a6106655f80fa9dae428ae3882c59e8d5492f612ad1eea313de61a8ca5579a5a3a341a6334ff1ae8394285501be88e"
    "d",
    "000001b30b009024ffffe018000001b5148a000100000100000ffff8000001b58ffff34180000001014be600ec10ffe834057c8f000001024b"
    "e2"
    "015043ffb0d015f23d0000010000d7fffb80000001b5822ff34180000001014a7375559ed074ddabe001",
    "000001b0f1000001b5a913000001000000012008d4fc03ad0ba98505841214183f000001b3001007000001b61000184ca59283076c8314e852"
    "b6"
    "4e0c376418a7429925",
    "", /* JPEG: made below */
    "d05b009d012ab000900000070885858848885802020327f85f57fd6bedb50e34",
    "82498342000af008f61238241c188c0001307c547d2dc91597bae56c586e3268",
    "12000a0b00000003bd7c79b5f20080329631100082e00208008880082002080020dc788e71a2a055"};

std::string from_hex(const std::string& text) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  return bytes;
}

// One table and two, eight bits and sixteen; three components.
std::string jpeg() {
  return from_hex("ffd8ffdb004300") + std::string(64, '\x10') + from_hex("ffdb008311") + std::string(130, '\x01') +
         from_hex("ffc0001108003000400301220002110103110100") + from_hex("ffda000c03010002110311003f00");
}

const std::vector<std::string>& seeds() {
  static const std::vector<std::string> list = [] {
    std::vector<std::string> all;
    for (std::size_t codec = 0; codec < std::size(streams); ++codec) {
      const std::string stream = *streams[codec] ? from_hex(streams[codec]) : jpeg();
      all.push_back(std::string{static_cast<char>(codec), '\0'} + stream);
      all.push_back(std::string{static_cast<char>(codec | 0x80), '\x08'} + stream);
    }
    return all;
  }();
  return list;
}

void mutate(std::string& text, std::mt19937_64& random) {
  const auto below = [&random](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  if (text.size() < 3) return;
  const std::size_t place = 2 + below(text.size() - 2);
  switch (below(6)) {
    case 0:
      text[place] = static_cast<char>(random());
      break;
    case 1:
      text.erase(place, 1 + below(8));
      break;
    case 2:
      text.insert(place, std::string(1 + below(20), random() % 2 ? '\0' : '\xff'));
      break;
    case 3:
      text.resize(place);
      break;
    case 4:
      text[place] = static_cast<char>(text[place] ^ (1 << below(8)));
      break;
    default:
      text.insert(place, text.substr(2 + below(text.size() - 2), 1 + below(64)));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const long rounds = argc > 1 ? std::strtol(argv[1], nullptr, 10) : 20000;
  std::mt19937_64 random(1);
  for (long round = 0; round < rounds; ++round) {
    std::string text = seeds()[random() % seeds().size()];
    for (std::size_t count = random() % 6; count-- > 0;) mutate(text, random);
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  }
  std::printf("%ld inputs, %ld frames understood\n", rounds, understood);
  return understood > rounds / 20 ? 0 : 1;
}

#endif
