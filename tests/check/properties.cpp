// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fstream>
#include <set>

#include "core/api/config.h"
#include "tests/check/check_util.h"

static GstElement* make(const char* name) {
  GstElement* element = gst_element_factory_make(name, nullptr);
  fail_unless(element != nullptr, "%s", name);
  return element;
}

// Calls `visit` for every property the element's own class installs.
template <typename Visit> static void for_own_properties(GstElement* element, Visit visit) {
  guint count = 0;
  GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &count);
  guint own = 0;
  for (guint i = 0; i < count; ++i)
    if (specs[i]->owner_type == G_OBJECT_TYPE(element)) {
      visit(specs[i]);
      ++own;
    }
  g_free(specs);
  fail_unless(own >= 4);
}

static void expect_value(GstElement* element, GParamSpec* spec, const GValue* expected) {
  GValue got = G_VALUE_INIT;
  g_value_init(&got, spec->value_type);
  g_object_get_property(G_OBJECT(element), spec->name, &got);
  fail_unless_equals_int(g_param_values_cmp(spec, &got, expected), 0);
  g_value_unset(&got);
}

static void set_and_expect(GstElement* element, GParamSpec* spec, const GValue* value) {
  g_object_set_property(G_OBJECT(element), spec->name, value);
  expect_value(element, spec, value);
}

// Other values than the default: both ends of numbers, every word of enums.
static void round_trip(GstElement* element, GParamSpec* spec) {
  GValue value = G_VALUE_INIT;
  g_value_init(&value, spec->value_type);
  if (auto* e = G_IS_PARAM_SPEC_ENUM(spec) ? G_PARAM_SPEC_ENUM(spec) : nullptr) {
    for (guint i = 0; i < e->enum_class->n_values; ++i) {
      g_value_set_enum(&value, e->enum_class->values[i].value);
      set_and_expect(element, spec, &value);
    }
  } else if (auto* f = G_IS_PARAM_SPEC_FLAGS(spec) ? G_PARAM_SPEC_FLAGS(spec) : nullptr) {
    for (guint x : {f->flags_class->mask, f->flags_class->values[0].value, guint{0}}) {
      g_value_set_flags(&value, x);
      set_and_expect(element, spec, &value);
    }
  } else if (auto* d = G_IS_PARAM_SPEC_DOUBLE(spec) ? G_PARAM_SPEC_DOUBLE(spec) : nullptr) {
    for (double x : {d->minimum, d->maximum, 0.5}) g_value_set_double(&value, x), set_and_expect(element, spec, &value);
  } else if (auto* n = G_IS_PARAM_SPEC_INT(spec) ? G_PARAM_SPEC_INT(spec) : nullptr) {
    for (int x : {n->minimum, n->maximum, 4}) g_value_set_int(&value, x), set_and_expect(element, spec, &value);
  } else if (G_IS_PARAM_SPEC_UINT64(spec)) {
    for (guint64 x : {G_GUINT64_CONSTANT(0), G_PARAM_SPEC_UINT64(spec)->maximum})
      g_value_set_uint64(&value, x), set_and_expect(element, spec, &value);
  } else if (G_IS_PARAM_SPEC_BOOLEAN(spec)) {
    for (gboolean x : {gboolean(TRUE), gboolean(FALSE)})
      g_value_set_boolean(&value, x), set_and_expect(element, spec, &value);
  } else if (G_IS_PARAM_SPEC_STRING(spec)) {
    for (const char* x : {"identity", "", "\xc3\xa9 \"x:y\""})
      g_value_set_string(&value, x), set_and_expect(element, spec, &value);
  } else {
    fail("property %s has a type this test does not know", spec->name);
  }
  g_value_unset(&value);
}

// gst-inspect is the reference that users read, and Pitivi builds its dialog from it.
static void check_texts(GParamSpec* spec) {
  const std::string blurb = g_param_spec_get_blurb(spec) ? g_param_spec_get_blurb(spec) : "";
  fail_unless(blurb.size() >= 20 && blurb.size() <= 200, "%s: %s", spec->name, blurb.c_str());
  fail_unless(g_ascii_isupper(blurb[0]) && blurb.back() != '.', "%s: %s", spec->name, blurb.c_str());
  fail_if(blurb.find("  ") != std::string::npos || blurb.find('`') != std::string::npos, "%s", blurb.c_str());
  if (!G_IS_PARAM_SPEC_ENUM(spec)) return;
  const GEnumClass* values = G_PARAM_SPEC_ENUM(spec)->enum_class;
  for (guint i = 0; i < values->n_values; ++i) {
    const std::string word = values->values[i].value_nick, text = values->values[i].value_name;
    fail_unless(!text.empty() && text != word && text.back() != '.' && text.find('`') == std::string::npos, "%s=%s: %s",
                spec->name, word.c_str(), text.c_str());
  }
}

static void check_properties(const char* name) {
  GstElement* element = make(name);
  for_own_properties(element, [&](GParamSpec* spec) {
    check_texts(spec);
    if (!(spec->flags & G_PARAM_WRITABLE)) return;
    fail_unless(spec->flags & (GST_PARAM_MUTABLE_READY | GST_PARAM_MUTABLE_PLAYING), "%s", spec->name);
    expect_value(element, spec, g_param_spec_get_default_value(spec));
    round_trip(element, spec);
  });
  gst_object_unref(element);
}

GST_START_TEST(defaults_and_round_trips) {
  check_properties("reddiff");
  check_properties("reddiffdegrade");
}
GST_END_TEST

GST_START_TEST(all_are_there) {
  GstElement* element = make("reddiff");
  for (const char* name : {"preset",
                           "task",
                           "scale",
                           "operator",
                           "noise",
                           "prior",
                           "solver",
                           "optimizer",
                           "weighting",
                           "order",
                           "spacing",
                           "prior-weight",
                           "data-weight",
                           "learning-rate",
                           "optimizer-epsilon",
                           "steps",
                           "start-level",
                           "temporal",
                           "scene-threshold",
                           "mask-source",
                           "strength",
                           "device",
                           "precision",
                           "tile-size",
                           "tile-overlap",
                           "max-gap",
                           "seed",
                           "stats",
                           "post-messages",
                           "noise-max",
                           "mask-grow",
                           "chroma-strength",
                           "compare",
                           "compare-position",
                           "grain",
                           "overlay",
                           "zeta",
                           "eta"})
    fail_unless(g_object_class_find_property(G_OBJECT_GET_CLASS(element), name) != nullptr, "%s", name);
  for_own_properties(element, [](GParamSpec* spec) {
    const std::set<std::string> moving = {"noise",           "noise-max",        "strength",
                                          "chroma-strength", "compare-position", "grain"};
    const bool controllable = spec->flags & GST_PARAM_CONTROLLABLE;
    fail_unless_equals_int(controllable, moving.count(spec->name));
  });
  gst_object_unref(element);
}
GST_END_TEST

GST_START_TEST(defaults_are_those_of_config) {
  GstElement* element = make("reddiff");
  const reddiff::Config config;
  gdouble noise, strength, threshold;
  gint task, temporal;
  gchar* prior = nullptr;
  g_object_get(element, "noise", &noise, "strength", &strength, "scene-threshold", &threshold, "task", &task,
               "temporal", &temporal, "prior", &prior, nullptr);
  fail_unless_equals_float(noise, config.noise);
  fail_unless_equals_float(strength, config.strength);
  fail_unless_equals_float(threshold, config.scene_threshold);
  fail_unless_equals_int(task, static_cast<int>(config.task));
  fail_unless_equals_int(temporal, static_cast<int>(config.temporal));
  fail_unless_equals_string(prior, config.prior.c_str());
  g_free(prior);
  gst_object_unref(element);
}
GST_END_TEST

// Its default says that the preset fills it in.
static bool by_preset(GParamSpec* spec) {
  const GValue* value = g_param_spec_get_default_value(spec);
  if (G_VALUE_HOLDS_DOUBLE(value)) return g_value_get_double(value) == -1;
  if (G_VALUE_HOLDS_INT(value)) return g_value_get_int(value) == -1;
  if (!G_IS_PARAM_SPEC_ENUM(spec)) return false;
  const GEnumClass* values = G_PARAM_SPEC_ENUM(spec)->enum_class;
  return g_str_equal(g_enum_get_value(const_cast<GEnumClass*>(values), g_value_get_enum(value))->value_nick, "preset");
}

// Nothing that overrides a preset outlives the choice of another: what remains are the properties the presets do not fill.
GST_START_TEST(presets) {
  GstElement* element = make("reddiff");
  guint filled = 0;
  for (const auto& name : reddiff::names<reddiff::Preset>()) {
    if (name.value == reddiff::Preset::automatic) continue;
    for_own_properties(element, [&](GParamSpec* spec) {
      if (spec->flags & G_PARAM_WRITABLE) round_trip(element, spec);
    });
    g_object_set(element, "operator", "identity", nullptr);
    fail_unless(gst_preset_load_preset(GST_PRESET(element), name.nick), "%s", name.nick);
    gint preset = -1;
    g_object_get(element, "preset", &preset, nullptr);
    fail_unless_equals_int(preset, static_cast<int>(name.value));
    for_own_properties(element, [&](GParamSpec* spec) {
      const std::string own = spec->name;
      if (!by_preset(spec) || own == "noise") return;
      ++filled;
      expect_value(element, spec, g_param_spec_get_default_value(spec));
    });
    gchar* text = nullptr;
    g_object_get(element, "operator", &text, nullptr);
    fail_unless_equals_string(text, "identity");
    g_free(text);
    gchar* comment = nullptr;
    fail_unless(gst_preset_get_meta(GST_PRESET(element), name.nick, "comment", &comment), "%s", name.nick);
    g_free(comment);
  }
  fail_unless_equals_int(filled, 4 * 13);
  gst_object_unref(element);
}
GST_END_TEST

GST_START_TEST(registration) {
  for (const char* name : {"reddiff", "reddiffdegrade"}) {
    GstElementFactory* factory = gst_element_factory_find(name);
    fail_unless(factory != nullptr);
    fail_unless_equals_int(gst_plugin_feature_get_rank(GST_PLUGIN_FEATURE(factory)), GST_RANK_NONE);
    fail_unless_equals_string(gst_element_factory_get_metadata(factory, GST_ELEMENT_METADATA_KLASS),
                              "Filter/Effect/Video");
    gst_object_unref(factory);
  }
}
GST_END_TEST

// Looking at the plugin must stay cheap: LibTorch costs a second and 160 MB.
GST_START_TEST(inspection_does_not_load_torch) {
  for (const char* name : {"reddiff", "reddiffdegrade"}) {
    GstElement* element = make(name);
    for_own_properties(element, [&](GParamSpec* spec) {
      GValue value = G_VALUE_INIT;
      g_value_init(&value, spec->value_type);
      g_object_get_property(G_OBJECT(element), spec->name, &value);
      g_value_unset(&value);
    });
    gst_object_unref(element);
  }
  std::ifstream maps("/proc/self/maps");
  bool plugin = false;
  for (std::string line; std::getline(maps, line);) {
    plugin |= line.find("libgstreddiff") != std::string::npos;
    fail_if(line.find("libtorch") != std::string::npos || line.find("libc10") != std::string::npos ||
                line.find("libreddiff-torch") != std::string::npos,
            "%s", line.c_str());
  }
  fail_unless(plugin);
}
GST_END_TEST

static Suite* properties_suite() {
  Suite* suite = suite_create("properties");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, inspection_does_not_load_torch);
  tcase_add_test(cases, defaults_and_round_trips);
  tcase_add_test(cases, all_are_there);
  tcase_add_test(cases, defaults_are_those_of_config);
  tcase_add_test(cases, presets);
  tcase_add_test(cases, registration);
  return suite;
}

GST_CHECK_MAIN(properties)
