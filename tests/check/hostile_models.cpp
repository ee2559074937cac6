// SPDX-License-Identifier: LGPL-2.1-or-later
//
// `prior=`, `kernel:file=` and `mask-location=` pointing at everything a path can lead to. Each start must end soon, with one
// message that names the way out, or work.
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check/failures.h"
#include "tests/check/folder.h"
#include "tests/core/stored_archive.h"

namespace {

// A folder, and beside it a good model and its card in memory.
struct ModelFolder : check::Folder {
  static std::string model(const char* name) {
    return check::read_file(std::string(g_getenv("REDDIFF_MODEL_PATH")) + "/" + name);
  }
  const std::string weights = model("tiny.safetensors"), card = model("tiny.json");
};

// The card with field `key` (its first mention) given another value, up to the next comma or end of line.
std::string with_field(const std::string& card, const std::string& key, const std::string& value) {
  const std::size_t place = card.find("\"" + key + "\":");
  fail_unless(place != std::string::npos, "%s", key.c_str());
  const std::size_t from = place + key.size() + 3;
  return card.substr(0, from) + " " + value + card.substr(card.find_first_of(",\n", from));
}

// The card of these weights, whatever they are.
std::string card_of(const ModelFolder& folder, const std::string& weights) {
  gchar* sum =
      g_compute_checksum_for_data(G_CHECKSUM_SHA256, reinterpret_cast<const guchar*>(weights.data()), weights.size());
  const std::string card = with_field(with_field(folder.card, "sha256", "\"" + std::string(sum) + "\""), "bytes",
                                      std::to_string(weights.size()));
  g_free(sum);
  return card;
}

std::string with_length(const std::string& header) {
  std::string text;
  for (int i = 0; i < 8; ++i) text += static_cast<char>(header.size() >> (8 * i) & 255);
  return text + header;
}

std::string nested(const char* open, const char* close, int depth) {
  std::string text;
  for (int i = 0; i < depth; ++i) text += open;
  for (int i = 0; i < depth; ++i) text += close;
  return text;
}

void expect(const std::string& prior, GQuark domain, int code, const std::string& what, const char* hint) {
  GstElement* element = gst_element_factory_make("reddiff", nullptr);
  g_object_set(element, "prior", prior.c_str(), nullptr);
  const check::Errors errors = check::start_and_stop(element, what);
  gst_object_unref(element);
  check::expect_error(errors, what, domain, code, hint);
}

void expect_wrong(const ModelFolder& folder, const std::string& what, const char* hint) {
  expect(folder.at("x.safetensors"), GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE, what, hint);
}

}  // namespace

GST_START_TEST(a_good_copy_works) {
  const ModelFolder folder;
  folder.write("x.safetensors", folder.weights);
  folder.write("x.json", card_of(folder, folder.weights));
  GstElement* element = gst_element_factory_make("reddiff", nullptr);
  g_object_set(element, "prior", folder.at("x.safetensors").c_str(), nullptr);
  fail_unless_equals_int(check::start_and_stop(element, "a good model").count, 0);
  gst_object_unref(element);
}
GST_END_TEST

GST_START_TEST(weights_that_are_none) {
  const ModelFolder folder;
  folder.write("x.json", folder.card);
  const std::string good = folder.weights;
  std::string flipped = good;
  flipped[good.size() / 2] ^= 1;
  folder.write("x.safetensors", "");
  expect_wrong(folder, "empty", "fetch both files again");
  folder.write("x.safetensors", good.substr(0, good.size() - 1));
  expect_wrong(folder, "cut off", "cut off");
  folder.write("x.safetensors", good + "x");
  expect_wrong(folder, "too long", "another file");
  folder.write("x.safetensors", flipped);
  expect_wrong(folder, "one bit flipped", "SHA-256");

  const std::pair<const char*, std::string> with_fitting_card[] = {
      {"text", "these are no weights"},
      {"half of the file", good.substr(0, good.size() / 2)},
      {"nothing but zeros", std::string(1000, '\0')},
      {"header longer than the file", std::string(8, '\x7f') + "{}"},
      {"deep lists", with_length(nested("[", "]", 100000))},
      {"deep objects", with_length(nested("{\"a\":", "}", 100000))},
      {"unclosed lists", with_length(nested("[", "", 1000000))},
      {"a long name", with_length("{\"" + std::string(1000000, 'n') + "\":1}")},
      {"endless number", with_length("{\"a\":" + std::string(1000000, '9') + "}")},
      {"a tensor that claims the world",
       with_length(R"({"a":{"dtype":"F32","shape":[4294967295,4294967295],"data_offsets":[0,4]}})") + "1234"},
      {"tensors of another network", with_length(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})") + "1234"},
      {"escapes for a terminal", with_length("{\"\\u001b]0;x\\u0007\":{}}")},
  };
  for (const auto& [what, weights] : with_fitting_card) {
    folder.write("x.safetensors", weights);
    folder.write("x.json", card_of(folder, weights));
    expect_wrong(folder, what, "");
  }
}
GST_END_TEST

GST_START_TEST(cards_that_do_not_fit) {
  const ModelFolder folder;
  folder.write("x.safetensors", folder.weights);
  const std::pair<const char*, std::string> cards[] = {
      {"empty", ""},
      {"no JSON",
       "\x7f"
       "ELF\x02\x01"},
      {"half", folder.card.substr(0, folder.card.size() / 2)},
      {"deep lists", nested("[", "]", 500000)},
      {"deep objects", nested("{\"a\":", "}", 150000)},
      {"unclosed", nested("[", "", 1000000)},
      {"too large", std::string((1 << 20) + 1, ' ')},
      {"another architecture", with_field(folder.card, "architecture", "\"transformer\"")},
      {"a later format", with_field(folder.card, "format", "2")},
      {"negative size", with_field(folder.card, "bytes", "-1")},
      {"absurd network", with_field(folder.card, "mid", "1000000000000")},
      {"another network", with_field(folder.card, "mid", "2")},
      {"infinite", with_field(folder.card, "sigma_data", "1e999")},
      {"no UTF-8", with_field(folder.card, "architecture", "\"\xff\xfe\"")},
  };
  for (const auto& [what, card] : cards) {
    folder.write("x.json", card);
    expect_wrong(folder, what, "card");
  }
  g_remove(folder.at("x.json").c_str());
  expect(folder.at("x.safetensors"), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "no card",
         "keep the two together");
}
GST_END_TEST

// Files of PyTorch: what is more than tensors is refused before anything of it runs.
GST_START_TEST(files_of_torch) {
  const ModelFolder folder;
  const std::string guided =
      R"({"format":1,"name":"x","architecture":"guided-unet","config":{"heads":1,"attention_order":"heads-outside"},)"
      R"("preconditioning":{"type":"eps"},"level":{"input":"step","schedule":"linear","steps":1000},"range":[-1,1]})";
  const std::string script =
      R"({"format":1,"name":"x","architecture":"torchscript","preconditioning":{"type":"denoiser"},)"
      R"("level":{"input":"sigma"},"range":[-1,1],"sigma":[0.01,5],"multiple_of":8})";
  const auto archive = [](const std::string& pickle) { return reddiff::stored_archive({{"a/data.pkl", pickle}}); };
  const std::string program = reddiff::stored_archive({{"a/data.pkl", "\x80\x02."}, {"a/code/__torch__.py", "x"}});
  const std::pair<std::string, const char*> wrong[] = {
      {"", "too short"},
      {"PK\x03\x04", "no table of contents"},
      {archive("cposix\nsystem\nX\x04" + std::string(3, '\0') + "lsls\x85R."), "may run code"},
      {archive("\x80\x02}."), "no tensors"},
      {archive(std::string(100000, '(')), "cut off"},
      {archive(nested("]", "a", 100000)), ""},
      {std::string("\x80\x02\x8a\x0al\xfc\x9c") + "F\xf9 j\xa8P\x19.", "before PyTorch 1.6"},
      {std::string("\x80\x04\x95") + std::string(100, 'x'), "runs code"},
      {folder.weights, "other names"},
      {program, "TorchScript program where its card says"},
  };
  folder.write("x.json", guided);
  const GQuark stream = GST_STREAM_ERROR;
  for (const auto& [bytes, hint] : wrong) {
    folder.write("x.pt", bytes);
    expect(folder.at("x.pt"), stream, GST_STREAM_ERROR_WRONG_TYPE, hint, hint);
  }
  folder.write("x.json", script);
  expect(folder.at("x.pt"), GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS, "a program", "allow-code=true");
}
GST_END_TEST

GST_START_TEST(paths_that_are_no_files) {
  const ModelFolder folder;
  const auto link = [&](const char* to, const char* name) {
    fail_unless_equals_int(symlink(to, folder.at(name).c_str()), 0);
  };
  fail_unless_equals_int(mkfifo(folder.at("pipe.safetensors").c_str(), 0600), 0);
  fail_unless_equals_int(mkfifo(folder.at("card.json").c_str(), 0600), 0);
  folder.write("card.safetensors", folder.weights);
  folder.write("pipe.json", folder.card);
  fail_unless_equals_int(g_mkdir(folder.at("folder.safetensors").c_str(), 0700), 0);
  link("/dev/zero", "zero.safetensors");
  link("loop.safetensors", "loop.safetensors");
  link("nowhere", "dangling.safetensors");
  const GQuark domain = GST_RESOURCE_ERROR;
  const int absent = GST_RESOURCE_ERROR_NOT_FOUND, unreadable = GST_RESOURCE_ERROR_OPEN_READ;
  expect(folder.at("pipe.safetensors"), domain, unreadable, "a pipe without a writer", "no file");
  expect(folder.at("card.safetensors"), domain, unreadable, "a card that is a pipe", "not a file");
  expect(folder.at("folder.safetensors"), domain, unreadable, "a folder", "no file");
  expect(folder.at("zero.safetensors"), domain, unreadable, "/dev/zero", "no file");
  expect(folder.at("loop.safetensors"), domain, absent, "a loop of links", "loop.safetensors");
  expect(folder.at("dangling.safetensors"), domain, absent, "a link to nowhere", "does not exist");
  expect("/dev/zero", domain, absent, "/dev/zero by name", "dct");
  expect(folder.path(), domain, absent, "the folder itself", "dct");
  expect("", domain, absent, "no name", "dct");
  expect("../tiny", domain, absent, "a path without its ending", ".safetensors");
  expect(std::string(100000, 'a'), domain, absent, "a long name", "dct");
  expect(std::string(100000, 'a') + ".safetensors", domain, absent, "a long path", "does not exist");
  expect("\xff\xfe\n\x1b[31m", domain, absent, "no text", "dct");
}
GST_END_TEST

// Root may read everything: for this test it becomes somebody who may not.
GST_START_TEST(files_of_somebody_else) {
  const ModelFolder folder;
  folder.write("x.safetensors", folder.weights);
  folder.write("x.json", folder.card);
  GstElement* element = gst_parse_launch("reddiff prior=dct", nullptr);  // opens the module while it can be read
  fail_unless_equals_int(check::start_and_stop(element, "dct").count, 0);
  gst_object_unref(element);
  fail_unless_equals_int(g_chmod(folder.at("x.safetensors").c_str(), 0), 0);
  fail_unless_equals_int(g_chmod(folder.path().c_str(), 0755), 0);
  const bool root = geteuid() == 0;
  if (root) fail_unless_equals_int(seteuid(65534), 0);
  expect(folder.at("x.safetensors"), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ, "unreadable", "permissions");
  if (root) fail_unless_equals_int(seteuid(0), 0);
}
GST_END_TEST

GST_START_TEST(kernel_files) {
  const check::Folder folder;
  fail_unless_equals_int(mkfifo(folder.at("pipe").c_str(), 0600), 0);
  folder.write("large", std::string((1 << 20) + 1, '1'));
  folder.write("zeros", std::string(100, '\0'));
  folder.write("many", std::string(300000, ' ') + "1 1 1");
  folder.write("lines", std::string(1000000, '\n'));
  folder.write("tiny", "1e-320");
  for (const char* name : {"pipe", "large", "zeros", "lines", "tiny", "nothing", "."}) {
    const std::string op = "kernel:file=\"" + folder.at(name) + "\"";
    for (const char* factory : {"reddiff", "reddiffdegrade"}) {
      GstElement* element = gst_element_factory_make(factory, nullptr);
      g_object_set(element, "operator", op.c_str(), nullptr);
      if (factory == std::string("reddiff")) g_object_set(element, "prior", "dct", nullptr);
      check::expect_clear(check::start_and_stop(element, name), name);
      gst_object_unref(element);
    }
  }
  check::Harness harness("reddiffdegrade operator=kernel:file=" + folder.at("many"));
  const std::string caps = check::caps_text("RGB", 8, 8);
  harness.caps(caps);
  check::stream(harness, caps, 1);
}
GST_END_TEST

GST_START_TEST(mask_files) {
  const check::Folder folder;
  fail_unless_equals_int(mkfifo(folder.at("pipe.png").c_str(), 0600), 0);
  fail_unless_equals_int(symlink("/dev/zero", folder.at("zero.png").c_str()), 0);
  folder.write("empty.png", "");
  folder.write("text.png", "no picture at all");
  folder.write("head.png",
               std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x06\0\0\0", 29));
  for (const char* name : {"pipe.png", "zero.png", "empty.png", "text.png", "head.png", "nothing.png", "."}) {
    GstElement* element = gst_parse_launch("reddiff prior=dct task=inpaint mask-source=file", nullptr);
    g_object_set(element, "mask-location", folder.at(name).c_str(), nullptr);
    const check::Errors errors = check::start_and_stop(element, name);
    gst_object_unref(element);
    check::expect_clear(errors, name);
    fail_unless(errors.text.find("mask-location") != std::string::npos, "%s: %s", name, errors.text.c_str());
  }
}
GST_END_TEST

static Suite* hostile_models_suite() {
  Suite* suite = suite_create("hostile_models");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, a_good_copy_works);
  tcase_add_test(cases, weights_that_are_none);
  tcase_add_test(cases, cards_that_do_not_fit);
  tcase_add_test(cases, files_of_torch);
  tcase_add_test(cases, paths_that_are_no_files);
  tcase_add_test(cases, files_of_somebody_else);
  tcase_add_test(cases, kernel_files);
  tcase_add_test(cases, mask_files);
  return suite;
}

GST_CHECK_MAIN(hostile_models)
