// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What torch.save writes: tensors are read exactly, nothing is ever run, and whatever is not tensors is one clear sentence.
// data/make_torch_files.py made the files.
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "core/api/error.h"
#include "core/weights/pickled_state.h"
#include "core/weights/safetensors.h"
#include "core/weights/torch_file.h"
#include "tests/core/stored_archive.h"

namespace reddiff {
namespace {

FileBytes file_of(const std::string& text) {
  FileBytes bytes(text.size());
  if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

std::string data(const std::string& name) {
  const char* folder = std::getenv("REDDIFF_TEST_DATA");
  std::ifstream stream(std::string(folder ? folder : "tests/core/data") + "/torch_files/" + name, std::ios::binary);
  EXPECT_TRUE(stream) << name;
  return {std::istreambuf_iterator<char>(stream), {}};
}

NamedTensors read(const std::string& text) { return read_tensors(file_of(text), "f.pt"); }

std::string refusal(const std::string& text) {
  try {
    read(text);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::wrong_model) << error.what();
    EXPECT_NE(std::string(error.what()).find("f.pt"), std::string::npos) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text << "\nlacks: " << part;
}

// --- what can be read ------------------------------------------------------------------------------------------------

TEST(TorchFiles, AStateDictIsReadExactly) {
  const NamedTensors tensors = read(data("state.pt"));
  const at::Tensor base = at::arange(6, at::kFloat).view({2, 3});
  ASSERT_EQ(tensors.size(), 7u);  // not the counter
  EXPECT_TRUE(at::equal(tensors.at("single"), base + 0.5));
  EXPECT_TRUE(at::equal(tensors.at("tied"), base + 0.5));
  EXPECT_TRUE(at::equal(tensors.at("half"), at::tensor({1.0f, -4.0f})));
  EXPECT_TRUE(at::equal(tensors.at("brain"), at::tensor({3.140625f})));
  EXPECT_EQ(tensors.at("double").dim(), 0);
  EXPECT_EQ(tensors.at("double").item<float>(), 0.1f);
  EXPECT_TRUE(at::equal(tensors.at("turned"), base.t()));
  EXPECT_TRUE(at::equal(tensors.at("part"), at::tensor({4.0f, 5.0f}).view({1, 2})));
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(tensor.scalar_type(), at::kFloat) << name;
    EXPECT_TRUE(tensor.is_contiguous()) << name;
  }
}

TEST(TorchFiles, FloatsAreTheFilesOwnMemory) {
  const FileBytes bytes = file_of(data("state.pt"));
  const NamedTensors tensors = read_tensors(bytes, "f.pt");
  const auto* place = static_cast<const std::byte*>(tensors.at("single").data_ptr());
  EXPECT_TRUE(place >= bytes.data() && place < bytes.data() + bytes.size());
  const NamedTensors copies = parse_torch_file(bytes.span(), "f.pt");
  const auto* other = static_cast<const std::byte*>(copies.at("single").data_ptr());
  EXPECT_FALSE(other >= bytes.data() && other < bytes.data() + bytes.size());
}

TEST(TorchFiles, TensorsKeepTheFile) {
  NamedTensors tensors;
  { tensors = read(data("state.pt")); }
  EXPECT_EQ(tensors.at("single").sum().item<float>(), 18);
}

TEST(TorchFiles, ModulesAndParametersAreStateDicts) {
  EXPECT_EQ(read(data("module_state.pt")).at("0.weight").sizes(), at::IntArrayRef({2, 1, 1, 1}));
  EXPECT_EQ(read(data("module_state.pt")).count("1.num_batches_tracked"), 0u);
  EXPECT_EQ(read(data("parameters.pt")).at("1.bias").sizes(), at::IntArrayRef({2}));
}

TEST(TorchFiles, TheAverageIsTakenOutOfItsWrapping) {
  const NamedTensors tensors = read(data("wrapped.pt"));
  ASSERT_EQ(tensors.size(), 2u);
  EXPECT_TRUE(at::equal(tensors.at("a"), at::tensor({1.0f, 2.0f})));
  EXPECT_TRUE(at::equal(tensors.at("b"), at::tensor({3.0f})));
}

TEST(TorchFiles, SafetensorsAreToldByTheirBytes) {
  const std::string header = R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})";
  std::string text(8, '\0');
  text[0] = static_cast<char>(header.size());
  const float value = 7;
  text += header + std::string(reinterpret_cast<const char*>(&value), 4);
  EXPECT_EQ(read(text).at("a").item<float>(), 7);
}

// --- what cannot -----------------------------------------------------------------------------------------------------

TEST(TorchFiles, EveryOtherKindOfFileIsOneSentence) {
  const std::pair<const char*, const char*> wrong[] = {
      {"whole_module.pt", "'torch.nn.modules.container.Sequential', which may run code"},
      {"with_arguments.pt", "'argparse.Namespace', which may run code"},
      {"runs.pt", "which may run code"},
      {"no_tensors.pt", "no tensors by name"},
      {"a_list.pt", "no dictionary"},
      {"not_finite.pt", "'w' holds values that are not finite"},
      {"expanded.pt", "does not fit its data"},
      {"before_1_6.pt", "before PyTorch 1.6"},
      {"tar.pt", "tar archive"},
      {"protocol_4.pt", "protocol"},
  };
  for (const auto& [name, part] : wrong) {
    SCOPED_TRACE(name);
    expect_contains(refusal(data(name)), part);
  }
  expect_contains(refusal("\x80\x04\x95 some pickle"), "runs code");
  expect_contains(refusal(""), "too short");
  EXPECT_FALSE(std::filesystem::exists("/tmp/reddiff-was-here"));
}

TEST(TorchFiles, EveryTruncationIsRefused) {
  const std::string whole = data("state.pt");
  for (std::size_t size = 0; size < whole.size(); ++size) refusal(whole.substr(0, size));
}

TEST(TorchFiles, NoBitThatIsFlippedDoesHarm) {
  const std::string whole = data("wrapped.pt");
  for (std::size_t i = 0; i < whole.size(); ++i)
    for (const int bit : {0, 4, 7}) {
      std::string text = whole;
      text[i] = static_cast<char>(text[i] ^ (1 << bit));
      try {
        for (const auto& [name, tensor] : read(text)) EXPECT_LE(tensor.numel(), 100) << i;
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::wrong_model) << i << " " << error.what();
      }
    }
}

// A file whose pickle is {"w": <this>}.
std::string with_value(const std::string& value, const std::string& stored = std::string(8, '\1')) {
  return stored_archive(
      {{"a/data.pkl", "\x80\x02}X\x01" + std::string(3, '\0') + "w" + value + "s."}, {"a/data/0", stored}});
}

// _rebuild_tensor_v2((storage), offset, shape, stride, False, OrderedDict()), numbers as instructions.
std::string tensor(const std::string& type, const std::string& offset, const std::string& shape,
                   const std::string& stride, const std::string& size = "K\x02") {
  return "ctorch._utils\n_rebuild_tensor_v2\n((X\x07" + std::string(3, '\0') + "storage" + type + "X\x01" +
         std::string(3, '\0') + "0X\x03" + std::string(3, '\0') + "cpu" + size + "tQ" + offset + shape + stride +
         "\x89)tR";
}
const std::string floats = "ctorch\nFloatStorage\n", zero = std::string("K\0", 2), one = "K\x01", two = "K\x02";

TEST(TorchFiles, ATensorMustFitItsData) {
  const std::string good = tensor(floats, zero, two + "\x85", one + "\x85");
  EXPECT_EQ(read(with_value(good)).at("w").numel(), 2);
  const std::string huge = std::string("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f", 10), minus = "J\xff\xff\xff\xff";
  const std::tuple<std::string, std::string, std::string> wrong[] = {
      {two, two + "\x85", one + "\x85"},     // begins after the end
      {minus, two + "\x85", one + "\x85"},   // before the beginning
      {zero, "K\x03\x85", one + "\x85"},     // longer than what is stored
      {zero, two + "\x85", two + "\x85"},    // steps beyond it
      {zero, two + "\x85", minus + "\x85"},  // steps back
      {zero, two + "\x85", huge + "\x85"},   // steps as far as numbers go
      {zero, huge + "\x85", one + "\x85"},   // claims the world
      {zero, huge + huge + "\x86", one + one + "\x86"},
      {huge, two + "\x85", one + "\x85"},
      {zero, zero + "\x85", one + "\x85"},   // nothing
      {zero, minus + "\x85", one + "\x85"},  // less than nothing
      {zero, two + "\x85", ")"},             // no stride
      {zero, "(" + one + one + one + one + one + one + one + one + two + "t",
       "(" + one + one + one + one + one + one + one + one + one + "t"},
  };
  for (const auto& [offset, shape, stride] : wrong)
    expect_contains(refusal(with_value(tensor(floats, offset, shape, stride))), "does not fit its data");
  expect_contains(refusal(with_value(good, "")), "does not fit its data");
}

TEST(TorchFiles, APickleIsHeldToItsFewInstructions) {
  const std::string none(3, '\0');
  const std::pair<std::string, const char*> wrong[] = {
      {"cos\nsystem\n(X\x02" + none + "lstR", "'os.system', which may run code"},
      {"c__builtin__\neval\n", "which may run code"},
      {"ctorch\nload\n", "which may run code"},
      {"ctorch.jit\nFloatStorage\n", "which may run code"},
      {"c\x1b[2J\nx\n", "which may run code"},
      {"ios\nsystem\n", "an instruction (105)"},
      {"\x81", "an instruction (129)"},
      {"\x82\x01", "an instruction (130)"},
      {"\x93", "an instruction (147)"},
      {"P1\n", "an instruction (80)"},
      {"R", "no function"},
      {")R", "no function"},
      {"K\x01K\x01R", "no function"},
      {"ccollections\nOrderedDict\n(K\x01tR", "in an unknown way"},
      {"ctorch._utils\n_rebuild_tensor_v2\n)R", "in an unknown way"},
      {"ctorch._utils\n_rebuild_parameter\n)R", "in an unknown way"},
      {"K\x01Q", "names a storage wrongly"},
      {"h\x05", "has not told"},
      {"X\xff\xff\xff\xff", "cut off"},
      {"cno line's end", "cut off"},
      {"\x8a\x09\x01\x01\x01\x01\x01\x01\x01\x01\x01", "too large"},
      {"\x80\x05", "protocol"},
      {"t", "takes more than it has put"},
      {"(u", "no container"},
      {"](K\x01u", "without a value"},
      {"K\x01K\x01"
       "a",
       "no container"},
      {"K\x01K\x01"
       "b",
       "no container"},
      {"(", "takes more than it has put"},
      {tensor(floats, floats, two + "\x85", one + "\x85"), "names its values wrongly"},
      {tensor("K\x01", zero, two + "\x85", one + "\x85"), "names its values wrongly"},
      {tensor(floats, zero, two, one + "\x85"), "no proper shape"},
      {tensor(floats, zero, floats + "\x85", one + "\x85"), "no proper shape"},
  };
  for (const auto& [value, part] : wrong) {
    SCOPED_TRACE(part);
    const std::string text = refusal(with_value(value));
    expect_contains(text, part);
    EXPECT_EQ(text.find('\x1b'), text.npos);
  }
}

// A list in a list in a list, and a dictionary that holds itself: neither is followed.
TEST(TorchFiles, DepthCostsNothing) {
  std::string nested;
  for (int i = 0; i < 500000; ++i) nested += "]";
  for (int i = 1; i < 500000; ++i) nested += "a";
  expect_contains(refusal(with_value(nested)), "no tensors by name");
  expect_contains(refusal(with_value("}q\x01X\x01" + std::string(3, '\0') + "xh\x01s")), "no tensors by name");
  expect_contains(refusal(with_value(std::string(2100000, ']'))), "two million");
}

TEST(TorchFiles, AnArchiveIsHeldToItsTableOfContents) {
  const std::string state =
      "\x80\x02}X\x01" + std::string(3, '\0') + "w" + tensor(floats, zero, two + "\x85", one + "\x85") + "s.";
  const StoredFile pickle{"a/data.pkl", state}, values{"a/data/0", std::string(8, '\1')};
  EXPECT_EQ(read(stored_archive({pickle, values})).size(), 1u);
  expect_contains(refusal(stored_archive({pickle})), "are missing");
  expect_contains(refusal(stored_archive({values})), "no data.pkl");
  expect_contains(refusal(stored_archive({{"a/b/data.pkl", state}, values})), "no data.pkl");
  expect_contains(refusal(stored_archive({pickle, values, values})), "twice");
  expect_contains(refusal(stored_archive({pickle, values, {"a/byteorder", "big"}})), "big-endian");
  expect_contains(refusal(stored_archive({{"a/data.pkl", state, 8}, values})), "compressed");
  expect_contains(refusal(stored_archive({{"a/data.pkl", state, 0, 1}, values})), "encrypted");
  expect_contains(refusal(stored_archive({{"a/data.pkl", std::string((16u << 20) + 1, 'N')}, values})), "16 MiB");
  expect_contains(refusal("PK\x03\x04 and nothing else"), "no table of contents");
  // Two names for one tensor's data are fine, more values than bytes are not.
  std::string many = "\x80\x02}(";
  for (char letter = 'a'; letter < 'z'; ++letter)
    many += "X\x01" + std::string(3, '\0') + letter + tensor(floats, zero, "M\x10\x27\x85", one + "\x85", "M\x10\x27");
  expect_contains(refusal(stored_archive({{"a/data.pkl", many + "u."}, {"a/data/0", std::string(40000, '\1')}})),
                  "more values than the file has bytes");
}

}  // namespace
}  // namespace reddiff
