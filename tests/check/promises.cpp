// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is promised to stay (.github/CONTRIBUTING.md): the lines of the table below must be true for ever. What is new gets a line at
// the end of its group in the release that brings it, and never another one.
#include <set>

#include "tests/check/check_util.h"

static const char* const promised[] = {
    // Property, its type, its default (of no value: nothing).
    "reddiff preset GstReddiffPreset auto",
    "reddiff task GstReddiffTask denoise",
    "reddiff scale gint 0",
    "reddiff operator gchararray",
    "reddiff noise gdouble -1",
    "reddiff prior gchararray default",
    "reddiff solver GstReddiffSolver preset",
    "reddiff optimizer GstReddiffOptimizer preset",
    "reddiff weighting GstReddiffWeighting preset",
    "reddiff order GstReddiffOrder preset",
    "reddiff spacing GstReddiffSpacing preset",
    "reddiff prior-weight gdouble -1",
    "reddiff data-weight gdouble -1",
    "reddiff learning-rate gdouble -1",
    "reddiff optimizer-epsilon gdouble -1",
    "reddiff steps gint -1",
    "reddiff start-level gdouble -1",
    "reddiff temporal GstReddiffTemporal filter",
    "reddiff scene-threshold gdouble 0.35",
    "reddiff mask-source GstReddiffMaskSource auto",
    "reddiff mask-location gchararray",
    "reddiff mask-roi-type gchararray",
    "reddiff strength gdouble 1",
    "reddiff device gchararray auto",
    "reddiff precision GstReddiffPrecision auto",
    "reddiff tile-size gint 0",
    "reddiff tile-overlap gint 0",
    "reddiff max-gap guint64 500000000",
    "reddiff qos-policy GstReddiffQosPolicy degrade",
    "reddiff processing-deadline guint64 0",
    "reddiff seed guint64 0",
    "reddiff post-messages gboolean false",
    "reddiff stats GstStructure",
    "reddiff noise-max gdouble 255",
    "reddiff mask-grow gint 0",
    "reddiff chroma-strength gdouble 1",
    "reddiff conceal gboolean true",
    "reddiff compare GstReddiffCompare none",
    "reddiff compare-position gdouble 0.5",
    "reddiff grain gdouble 0",
    "reddiff overlay GstReddiffOverlay",
    "reddiff zeta gdouble -1",
    "reddiff eta gdouble -1",
    "reddiff allow-code gboolean false",
    "reddiffdegrade operator gchararray identity",
    "reddiffdegrade noise gdouble 0",
    "reddiffdegrade seed guint64 0",
    "reddiffdegrade device gchararray auto",
    // Value of an enum.
    "GstReddiffPreset 0 auto",
    "GstReddiffPreset 1 live",
    "GstReddiffPreset 2 quality",
    "GstReddiffPreset 3 archive",
    "GstReddiffPreset 4 paper",
    "GstReddiffTask 0 denoise",
    "GstReddiffTask 1 super-resolution",
    "GstReddiffTask 2 inpaint",
    "GstReddiffTask 3 deblur",
    "GstReddiffTask 4 restore",
    "GstReddiffSolver 0 preset",
    "GstReddiffSolver 1 red-diff",
    "GstReddiffSolver 2 hqs",
    "GstReddiffSolver 3 ensemble",
    "GstReddiffSolver 4 dps",
    "GstReddiffSolver 5 pigdm",
    "GstReddiffSolver 6 ddrm",
    "GstReddiffSolver 7 diffpir",
    "GstReddiffOptimizer 0 preset",
    "GstReddiffOptimizer 1 adam",
    "GstReddiffOptimizer 2 adamw",
    "GstReddiffOptimizer 3 sgd",
    "GstReddiffOptimizer 4 rmsprop",
    "GstReddiffOptimizer 5 lbfgs",
    "GstReddiffOptimizer 6 fixed-point",
    "GstReddiffWeighting 0 preset",
    "GstReddiffWeighting 1 linear",
    "GstReddiffWeighting 2 sqrt",
    "GstReddiffWeighting 3 square",
    "GstReddiffWeighting 4 log",
    "GstReddiffWeighting 5 trunc-linear",
    "GstReddiffWeighting 6 power-2/3",
    "GstReddiffWeighting 7 const",
    "GstReddiffOrder 0 preset",
    "GstReddiffOrder 1 descending",
    "GstReddiffOrder 2 ascending",
    "GstReddiffOrder 3 random",
    "GstReddiffSpacing 0 preset",
    "GstReddiffSpacing 1 uniform",
    "GstReddiffSpacing 2 quadratic",
    "GstReddiffTemporal 0 none",
    "GstReddiffTemporal 1 warm-start",
    "GstReddiffTemporal 2 filter",
    "GstReddiffMaskSource 0 auto",
    "GstReddiffMaskSource 1 none",
    "GstReddiffMaskSource 2 alpha",
    "GstReddiffMaskSource 3 roi",
    "GstReddiffMaskSource 4 file",
    "GstReddiffPrecision 0 auto",
    "GstReddiffPrecision 1 float32",
    "GstReddiffPrecision 2 bfloat16",
    "GstReddiffPrecision 3 float16",
    "GstReddiffPrecision 4 int8",
    "GstReddiffQosPolicy 0 degrade",
    "GstReddiffQosPolicy 1 drop",
    "GstReddiffQosPolicy 2 none",
    // Field of `stats`, and of the message reddiff-stats, and its type.
    "stats frames-in guint64",
    "stats frames-out guint64",
    "stats frames-degraded guint64",
    "stats frames-dropped guint64",
    "stats cuts guint64",
    "stats not-finite guint64",
    "stats prior-calls guint64",
    "stats tiles-halved guint64",
    "stats steps gint",
    "stats cold gboolean",
    "stats tiles gint",
    "stats mean-ms gdouble",
    "stats p95-ms gdouble",
    "stats noise gdouble",
    "stats start-level gdouble",
    "stats end-level gdouble",
    "stats device gchararray",
    "stats resets-flush guint64",
    "stats resets-stream guint64",
    "stats resets-caps guint64",
    "stats resets-segment guint64",
    "stats resets-gap guint64",
    "stats resets-discont guint64",
    "stats resets-resync guint64",
    "stats resets-settings guint64",
    "stats noise-plane-0 gdouble",
    "stats noise-plane-1 gdouble",
    "stats noise-plane-2 gdouble",
    "stats noise-slope gdouble",
    "stats noise-share gdouble",
    "stats coded-share gdouble",
    "stats frames-concealed guint64",
    "stats concealed-share gdouble",
};

static std::string text_of(const GValue* value) {
  if (G_VALUE_HOLDS_ENUM(value)) {
    auto* klass = static_cast<GEnumClass*>(g_type_class_peek(G_VALUE_TYPE(value)));
    return g_enum_get_value(klass, g_value_get_enum(value))->value_nick;
  }
  if (G_VALUE_HOLDS_STRING(value)) return g_value_get_string(value);
  if (G_VALUE_HOLDS_BOXED(value)) return "";
  if (G_VALUE_HOLDS_FLAGS(value) && g_value_get_flags(value) == 0) return "";
  gchar* text =
      G_VALUE_HOLDS_DOUBLE(value) ? g_strdup_printf("%g", g_value_get_double(value)) : gst_value_serialize(value);
  const std::string copy = text;
  g_free(text);
  return copy;
}

static std::string joined(std::initializer_list<std::string> words) {
  std::string line;
  for (const std::string& word : words) line += (line.empty() || word.empty() ? "" : " ") + word;
  return line;
}

// Adds a line for every property of the element that is its own, and for every value of their enums.
static void add_properties(const char* factory, std::set<std::string>& lines) {
  GstElement* element = gst_element_factory_make(factory, nullptr);
  fail_unless(element != nullptr);
  guint count = 0;
  GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &count);
  for (guint i = 0; i < count; ++i) {
    if (specs[i]->owner_type != G_OBJECT_TYPE(element)) continue;
    const GType type = specs[i]->value_type;
    lines.insert(
        joined({factory, specs[i]->name, g_type_name(type), text_of(g_param_spec_get_default_value(specs[i]))}));
    if (!G_TYPE_IS_ENUM(type)) continue;
    const auto* klass = static_cast<GEnumClass*>(g_type_class_peek(type));
    for (guint k = 0; k < klass->n_values; ++k)
      lines.insert(joined({g_type_name(type), std::to_string(klass->values[k].value), klass->values[k].value_nick}));
  }
  g_free(specs);
  gst_object_unref(element);
}

static std::set<std::string> fields_of(const GstStructure* structure) {
  std::set<std::string> lines;
  for (gint i = 0; i < gst_structure_n_fields(structure); ++i) {
    const gchar* field = gst_structure_nth_field_name(structure, i);
    lines.insert(joined({"stats", field, g_type_name(gst_structure_get_field_type(structure, field))}));
  }
  return lines;
}

// Fails for a promise that is not among `lines`; says which lines nothing promises yet.
static void expect_promises(const std::set<std::string>& lines, bool (*concerned)(const std::string&)) {
  std::set<std::string> kept;
  for (const std::string line : promised) {
    if (!concerned(line)) continue;
    fail_unless(kept.insert(line).second, "promised twice: %s", line.c_str());
    fail_unless(lines.count(line) == 1, "no longer true: %s", line.c_str());
  }
  fail_if(kept.empty());
  for (const std::string& line : lines)
    if (!kept.count(line)) g_print("new, promise it in tests/check/promises.cpp: \"%s\",\n", line.c_str());
}

static bool is_field(const std::string& line) { return line.rfind("stats ", 0) == 0; }
static bool is_property_or_value(const std::string& line) { return !is_field(line); }

GST_START_TEST(properties_and_numbers_stay) {
  std::set<std::string> lines;
  for (const char* factory : {"reddiff", "reddiffdegrade"}) add_properties(factory, lines);
  expect_promises(lines, is_property_or_value);
}
GST_END_TEST

GST_START_TEST(fields_of_stats_stay) {
  check::Harness harness(std::string(check::fast) + "post-messages=true");
  const std::string caps = check::caps_text("I420", 32, 24);
  harness.caps(caps);
  check::stream(harness, caps, 1);
  GstStructure* stats = nullptr;
  g_object_get(harness.element(), "stats", &stats, nullptr);
  fail_unless(gst_structure_has_name(stats, "reddiff-stats"));
  const auto fields = fields_of(stats);
  expect_promises(fields, is_field);
  gst_structure_free(stats);
  // The message has them all, and the time of its frame.
  GstMessage* message = gst_bus_pop_filtered(harness.bus(), GST_MESSAGE_ELEMENT);
  fail_unless(message != nullptr && gst_message_has_name(message, "reddiff-stats"));
  auto posted = fields_of(gst_message_get_structure(message));
  fail_unless_equals_int(posted.erase("stats timestamp guint64"), 1);
  fail_unless(posted == fields);
  gst_message_unref(message);
}
GST_END_TEST

static Suite* promises_suite() {
  Suite* suite = suite_create("promises");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, properties_and_numbers_stay);
  tcase_add_test(cases, fields_of_stats_stay);
  return suite;
}

GST_CHECK_MAIN(promises)
