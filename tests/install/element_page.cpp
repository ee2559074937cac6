// SPDX-License-Identifier: LGPL-2.1-or-later
//
// element_page ELEMENT FILE [--write]: the part of a page in Markdown that the built plugin knows better than any author:
// operators, pads, properties, ranges, defaults, words. Compares it with what stands below the mark in FILE, or writes it there.
#include <gst/gst.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>

#include "core/api/operator_spec.h"

namespace {

const std::string mark = "<!-- From here on written by tests/install/element_page. -->\n";

std::string number(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

// "double, -1 to 255", "enum", ...
std::string type_and_range(GParamSpec* spec) {
  if (G_IS_PARAM_SPEC_DOUBLE(spec)) {
    auto* s = G_PARAM_SPEC_DOUBLE(spec);
    return "number, " + number(s->minimum) + " to " + number(s->maximum);
  }
  if (G_IS_PARAM_SPEC_INT(spec)) {
    auto* s = G_PARAM_SPEC_INT(spec);
    return "integer, " + std::to_string(s->minimum) + " to " + std::to_string(s->maximum);
  }
  if (G_IS_PARAM_SPEC_UINT64(spec)) return "integer, 64 bits";
  if (G_IS_PARAM_SPEC_ENUM(spec)) return "word";
  if (G_IS_PARAM_SPEC_FLAGS(spec)) return "words joined by '+'";
  if (G_IS_PARAM_SPEC_BOOLEAN(spec)) return "true or false";
  if (G_IS_PARAM_SPEC_STRING(spec)) return "text";
  return g_type_name(spec->value_type);
}

std::string default_of(GParamSpec* spec) {
  const GValue* value = g_param_spec_get_default_value(spec);
  if (G_IS_PARAM_SPEC_ENUM(spec))
    return g_enum_get_value(G_PARAM_SPEC_ENUM(spec)->enum_class, g_value_get_enum(value))->value_nick;
  if (G_IS_PARAM_SPEC_FLAGS(spec)) return g_value_get_flags(value) == 0 ? "none of them" : "some";
  if (G_IS_PARAM_SPEC_DOUBLE(spec)) return number(g_value_get_double(value));
  if (G_IS_PARAM_SPEC_STRING(spec)) return std::string("\"") + g_value_get_string(value) + "\"";
  gchar* text = g_strdup_value_contents(value);
  std::string found = text;
  g_free(text);
  std::transform(found.begin(), found.end(), found.begin(), g_ascii_tolower);
  return found;
}

std::string when(GParamSpec* spec) {
  if (!(spec->flags & G_PARAM_WRITABLE)) return "read-only";
  std::string text = spec->flags & GST_PARAM_MUTABLE_PLAYING ? "can change while playing" : "taken at the next start";
  if (spec->flags & GST_PARAM_CONTROLLABLE) text += ", controllable";
  return text;
}

std::string property(GParamSpec* spec) {
  std::string text =
      std::string("\n### ") + spec->name + "\n\n" + g_param_spec_get_blurb(spec) + ".\n\n*" + type_and_range(spec);
  if (spec->flags & G_PARAM_WRITABLE) text += "; default " + default_of(spec);
  text += "; " + when(spec) + "*\n";
  if (G_IS_PARAM_SPEC_FLAGS(spec)) {
    const GFlagsClass* flags = G_PARAM_SPEC_FLAGS(spec)->flags_class;
    text += "\n";
    for (guint i = 0; i < flags->n_values; ++i)
      text += std::string("- `") + flags->values[i].value_nick + "`: " + flags->values[i].value_name + "\n";
  }
  if (!G_IS_PARAM_SPEC_ENUM(spec)) return text;
  text += "\n";
  const GEnumClass* values = G_PARAM_SPEC_ENUM(spec)->enum_class;
  for (guint i = 0; i < values->n_values; ++i)
    text += std::string("- `") + values->values[i].value_nick + "`: " + values->values[i].value_name + "\n";
  return text;
}

// Without what only some builds have: frames in a GPU's memory.
std::string host_caps(const char* text) {
  GstCaps* caps = gst_caps_from_string(text);
  GstCaps* kept = gst_caps_new_empty();
  for (guint i = 0; i < gst_caps_get_size(caps); ++i)
    if (!gst_caps_features_contains(gst_caps_get_features(caps, i), "memory:CUDAMemory"))
      gst_caps_append_structure_full(kept, gst_structure_copy(gst_caps_get_structure(caps, i)),
                                     gst_caps_features_copy(gst_caps_get_features(caps, i)));
  gchar* kept_text = gst_caps_to_string(kept);
  const std::string found = kept_text;
  g_free(kept_text);
  gst_caps_unref(kept);
  gst_caps_unref(caps);
  return found;
}

// Sorted: read from a file the registry has them in another order than fresh.
std::string pads(GstElementFactory* factory) {
  std::set<std::string> lines;
  for (const GList* node = gst_element_factory_get_static_pad_templates(factory); node; node = node->next) {
    auto* pad = static_cast<GstStaticPadTemplate*>(node->data);
    lines.insert(std::string("\n- `") + pad->name_template + "`: `" + host_caps(pad->static_caps.string) + "`\n");
  }
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

std::string argument(const reddiff::OperatorArgument& a) {
  std::string text = std::string("  - `") + a.name + "`: " + a.description;
  if (a.is_file) return text + "\n";
  if (!a.choices.empty()) {
    text += "; one of";
    for (const double choice : a.choices) text += (choice == a.choices.front() ? " " : ", ") + number(choice);
    return text + (std::isnan(a.fallback) ? "" : "; default " + number(a.fallback)) + "\n";
  }
  text += std::string("; ") + (a.odd ? "odd, " : "") + number(a.minimum) + " to " + number(a.maximum);
  return text + (std::isnan(a.fallback) ? "" : "; default " + number(a.fallback)) + "\n";
}

std::string operators() {
  std::string text = "\n## Operators\n\nApplied left to right, joined by `+`. Quote a value that holds `:` or `+`.\n\n";
  for (const reddiff::OperatorKind& kind : reddiff::operator_kinds()) {
    text += std::string("- `") + kind.examples.front() + "`: " + kind.description + "\n";
    for (const reddiff::OperatorArgument& a : kind.arguments) text += argument(a);
  }
  return text;
}

std::string page(const std::string& name) {
  GstElementFactory* factory = gst_element_factory_find(name.c_str());
  GstElement* element = factory ? gst_element_factory_create(factory, nullptr) : nullptr;
  if (!element) throw std::string("no element ") + name + "; is GST_PLUGIN_PATH_1_0 set?";
  std::string text = std::string("\nKlass ") + gst_element_factory_get_metadata(factory, GST_ELEMENT_METADATA_KLASS) +
                     ", rank " + std::to_string(gst_plugin_feature_get_rank(GST_PLUGIN_FEATURE(factory))) + ".\n";
  if (g_object_class_find_property(G_OBJECT_GET_CLASS(element), "operator")) text += operators();
  text += "\n## Pads\n" + pads(factory) + "\n## Properties\n\nAnd those of GstBaseTransform, of which `qos` matters.\n";
  guint count = 0;
  GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(element), &count);
  for (guint i = 0; i < count; ++i)
    if (specs[i]->owner_type == G_OBJECT_TYPE(element)) text += property(specs[i]);
  g_free(specs);
  gst_object_unref(element);
  gst_object_unref(factory);
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  gst_init(&argc, &argv);
  if (argc < 3 || (argc == 4 && std::strcmp(argv[3], "--write") != 0)) {
    std::cerr << "usage: element_page ELEMENT FILE [--write]\n";
    return 2;
  }
  try {
    std::ifstream in(argv[2]);
    const std::string old((std::istreambuf_iterator<char>(in)), {});
    const std::size_t at = old.find(mark);
    if (at == std::string::npos) throw std::string(argv[2]) + " has no line " + mark;
    const std::string all = old.substr(0, at + mark.size()) + page(argv[1]);
    if (argc == 4) std::ofstream(argv[2]) << all;
    if (argc == 3 && all != old)
      throw std::string(argv[2]) + " is out of date. From the root of the project:\n  meson devenv -C build " +
          argv[0] + " " + argv[1] + " " + argv[2] + " --write";
  } catch (const std::string& sentence) {
    std::cerr << sentence << "\n";
    return 1;
  }
  return 0;
}
