// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The edge between the plugin and the torch module: which module is taken, and frames that lie where it cannot reach.
#include <gmodule.h>

#include <array>

#include "core/api/restorer.h"
#include "tests/check/failures.h"

using reddiff::module_guard;

// Versions differ, and the number is never one that an older layout of the table could hold by chance.
static_assert(module_guard("0.1.0") != module_guard("0.2.0") && module_guard("0.1.0") > 1000000);

GST_START_TEST(a_module_of_another_version_is_refused) {
  g_setenv("REDDIFF_MODULE_PATH", OTHER_MODULE, TRUE);
  for (const char* line : {"reddiff prior=dct", "reddiffdegrade"})
    check::expect_error(check::start_and_stop(line), line, GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_INIT, "one build");
  g_unsetenv("REDDIFF_MODULE_PATH");
  fail_unless_equals_int(check::start_and_stop("reddiff prior=dct").count, 0);
}
GST_END_TEST

static const reddiff::ModuleTable* own_table() {
  const std::string path = std::string(g_getenv("GST_PLUGIN_PATH_1_0")) + "/../core/libreddiff-torch.so";
  GModule* module = g_module_open(path.c_str(), G_MODULE_BIND_LOCAL);
  fail_unless(module != nullptr, "%s", g_module_error());
  gpointer symbol = nullptr;
  fail_unless(g_module_symbol(module, reddiff::module_symbol, &symbol));
  g_module_make_resident(module);
  return reinterpret_cast<const reddiff::ModuleTable* (*)()>(symbol)();
}

// Memory of a device that this process does not have, played by memory of the host, which must not be touched.
GST_START_TEST(a_frame_in_a_device_that_is_not_there_is_refused) {
  const reddiff::ModuleTable* table = own_table();
  reddiff::Config config;
  config.prior = "dct";
  config.device = "cpu";
  const auto restorer = table->make_restorer(config, false, "");
  const auto degrader = table->make_degrader({"identity", 1, 0, "cpu"});
  std::array<guint8, 16 * 16> in{}, out{};
  const auto view = [](std::array<guint8, 16 * 16>& bytes, int device) {
    reddiff::FrameView frame;
    frame.width = frame.height = 16;
    frame.model = reddiff::ColorModel::gray;
    frame.component[0] = {bytes.data(), 16, 1, 16, 16, 1, 8, 0};
    frame.device_index = device;
    return frame;
  };
  constexpr int missing = 99, host = -1;
  for (const auto& [from, to] : {std::pair{missing, host}, std::pair{host, missing}, std::pair{missing, missing}})
    for (const bool restores : {true, false}) {
      std::string said;
      try {
        if (restores)
          restorer->process(view(in, from), view(out, to), {});
        else
          degrader->process(view(in, from), view(out, to), 0);
      } catch (const reddiff::Error& error) {
        fail_unless(error.code() == reddiff::ErrorCode::device, "%s", error.what());
        said = error.what();
      }
      fail_unless(said.find("99") != std::string::npos && said.find("host memory") != std::string::npos, "'%s'",
                  said.c_str());
    }
  restorer->process(view(in, host), view(out, host), {});
}
GST_END_TEST

static Suite* module_suite() {
  Suite* suite = suite_create("module");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, a_module_of_another_version_is_refused);
  tcase_add_test(cases, a_frame_in_a_device_that_is_not_there_is_refused);
  return suite;
}

GST_CHECK_MAIN(module)
