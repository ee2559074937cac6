// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Every property at its most absurd: it works or says in one message why not, before the first frame or at it, also when it changes
// while frames flow.
#include "tests/check/failures.h"

using check::Harness;

static const std::string caps = check::caps_text("RGBA", 16, 12);

static std::vector<std::string> nonsense() {
  std::string deep, joined = "gray";
  for (int i = 0; i < 200; ++i) deep += "gaussian-blur:sigma=1+", joined += "+gray";
  return {"",
          " ",
          "+",
          ":",
          "=",
          "\"",
          "a:b",
          "identity+",
          "+identity",
          "identity:",
          "identity:x=1",
          "bicubic:factor",
          "bicubic:factor=",
          "bicubic:factor=-1",
          "bicubic:factor=1e308",
          "bicubic:factor=nan",
          "bicubic:factor=2.5",
          "gaussian-blur:sigma=1e-300",
          "gaussian-blur:sigma=20+gaussian-blur:sigma=20",
          "kernel:file=/dev/zero",
          "kernel:file=\"\\\"",
          "cuda:",
          "cuda:-1",
          "cuda:99999999999999999999",
          "cpu ",
          "CPU",
          "auto,cpu",
          "/",
          "..",
          "%s%n%s%n",
          "$(reboot)",
          "a\nb",
          "\x1b[31mred",
          "\xff\xfe\xfd",
          "\xc3",
          std::string(60, 'x') + "\xc3\xa9",
          std::string(59, 'x') + "\xc3\xa9y",
          std::string(1000000, 'x'),
          deep,
          joined};
}

static std::vector<GParamSpec*> own_properties(GstElement* element) {
  guint count = 0;
  GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &count);
  std::vector<GParamSpec*> own;
  for (guint i = 0; i < count; ++i)
    if (specs[i]->owner_type == G_OBJECT_TYPE(element) && specs[i]->flags & G_PARAM_WRITABLE) own.push_back(specs[i]);
  g_free(specs);
  return own;
}

static const char* const factories[] = {"reddiff", "reddiffdegrade"};

static GstElement* make(const char* factory) {
  GstElement* element = gst_element_factory_make(factory, nullptr);
  if (factory == factories[0]) g_object_set(element, "prior", "dct", "noise", 10.0, nullptr);
  return element;
}

GST_START_TEST(strings_before_the_start) {
  for (const char* factory : factories) {
    GstElement* element = make(factory);
    int strings = 0, refused = 0;
    for (GParamSpec* spec : own_properties(element)) {
      if (spec->value_type != G_TYPE_STRING) continue;
      ++strings;
      for (const std::string& text : nonsense()) {
        g_object_set(element, spec->name, text.c_str(), nullptr);
        const std::string what = std::string(spec->name) + "=" + text.substr(0, 70);
        const check::Errors errors = check::start_and_stop(element, what);
        if (errors.count > 0) check::expect_clear(errors, what);
        refused += errors.count;
      }
      gst_object_unref(element);
      element = make(factory);
    }
    gst_object_unref(element);
    fail_unless(strings >= 2 && refused > 20 * strings, "%s: %d refused of %d strings", factory, refused, strings);
  }
}
GST_END_TEST

GST_START_TEST(strings_while_playing) {
  Harness harness(check::fast);
  harness.caps(caps);
  check::stream(harness, caps, 1);
  int index = 1, refused = 0;
  for (const std::string& text : nonsense()) {
    g_object_set(harness.element(), "operator", text.c_str(), nullptr);
    check::stream(harness, caps, 1, index++);  // restored, whatever was said
    const check::Errors warnings = check::take_warnings(harness.bus());
    if (warnings.count > 0) check::expect_clear(warnings, "operator=" + text.substr(0, 70));
    refused += warnings.count;
  }
  fail_unless(refused > 20, "%d refused", refused);
  fail_unless_equals_int(check::take_errors(harness.bus()).count, 0);
}
GST_END_TEST

static void set_number(GstElement* element, GParamSpec* spec, bool highest) {
  GValue value = G_VALUE_INIT;
  g_value_init(&value, spec->value_type);
  if (auto* d = G_IS_PARAM_SPEC_DOUBLE(spec) ? G_PARAM_SPEC_DOUBLE(spec) : nullptr)
    g_value_set_double(&value, highest ? d->maximum : d->minimum);
  else if (auto* i = G_IS_PARAM_SPEC_INT(spec) ? G_PARAM_SPEC_INT(spec) : nullptr)
    g_value_set_int(&value, highest ? i->maximum : i->minimum);
  else if (G_IS_PARAM_SPEC_UINT64(spec))
    g_value_set_uint64(&value, highest ? G_PARAM_SPEC_UINT64(spec)->maximum : 0);
  else
    g_value_reset(&value);
  g_object_set_property(G_OBJECT(element), spec->name, &value);
  g_value_unset(&value);
}

// With the paper's solver, which divides by most of them, and with the default's.
GST_START_TEST(numbers_at_their_ends) {
  for (const char* line : {"reddiff prior=dct preset=paper steps=3 noise=10 operator=gaussian-blur:sigma=1",
                           "reddiff prior=dct steps=2 noise=10"}) {
    Harness probe(line);
    for (GParamSpec* spec : own_properties(probe.element())) {
      const bool number =
          spec->value_type == G_TYPE_DOUBLE || spec->value_type == G_TYPE_INT || spec->value_type == G_TYPE_UINT64;
      if (!number || spec->name == std::string("steps")) continue;  // 10000 steps are slow and nothing else
      for (const bool highest : {false, true}) {
        Harness harness(line);
        set_number(harness.element(), spec, highest);
        harness.caps(caps);
        const std::string what = std::string(line) + " " + spec->name + (highest ? " highest" : " lowest");
        for (int i = 0; i < 2; ++i) {
          const GstFlowReturn flow = gst_harness_push(harness.h, check::picture(check::info_of(caps), i, i));
          if (flow == GST_FLOW_NOT_NEGOTIATED) break;  // scale against the operator
          const check::Errors errors = check::take_errors(harness.bus());
          fail_unless(flow == GST_FLOW_OK || flow == GST_FLOW_ERROR, "%s: %d", what.c_str(), flow);
          if (errors.count > 0) check::expect_clear(errors, what);
        }
      }
    }
  }
}
GST_END_TEST

// All of them at once, with whatever else is there to choose from.
GST_START_TEST(random_settings) {
  GRand* random = g_rand_new_with_seed(7);
  for (int round = 0; round < 60; ++round) {
    Harness harness("reddiff prior=dct steps=2");
    harness.caps(caps);
    std::string what = "round " + std::to_string(round);
    for (int change = 0; change < 6; ++change) {
      for (GParamSpec* spec : own_properties(harness.element())) {
        if (spec->value_type == G_TYPE_STRING || spec->name == std::string("steps") || g_rand_int_range(random, 0, 3))
          continue;
        if (auto* e = G_IS_PARAM_SPEC_ENUM(spec) ? G_PARAM_SPEC_ENUM(spec) : nullptr) {
          const auto index = g_rand_int_range(random, 0, static_cast<gint32>(e->enum_class->n_values));
          g_object_set(harness.element(), spec->name, e->enum_class->values[index].value, nullptr);
          what += std::string(" ") + spec->name + "=" + e->enum_class->values[index].value_nick;
        } else {
          set_number(harness.element(), spec, g_rand_boolean(random));
        }
      }
      const GstFlowReturn flow = gst_harness_push(harness.h, check::picture(check::info_of(caps), change, change));
      const check::Errors errors = check::take_errors(harness.bus());
      fail_unless(flow == GST_FLOW_OK || flow == GST_FLOW_ERROR || flow == GST_FLOW_NOT_NEGOTIATED, "%s: %d",
                  what.c_str(), flow);
      if (errors.count > 0) check::expect_clear(errors, what);
    }
  }
  g_rand_free(random);
}
GST_END_TEST

static Suite* hostile_settings_suite() {
  Suite* suite = suite_create("hostile_settings");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, strings_before_the_start);
  tcase_add_test(cases, strings_while_playing);
  tcase_add_test(cases, numbers_at_their_ends);
  tcase_add_test(cases, random_settings);
  return suite;
}

GST_CHECK_MAIN(hostile_settings)
