// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/presets.h"

#include <filesystem>
#include <string>

#include "gst-plugin/module_loader.h"

namespace reddiff {
namespace {

constexpr const char* meta_prefix = "_meta/";

GstPresetInterface defaults;

// GstReddiff.prs of the tree that the plugin was installed in; empty where it is not (the build tree).
GKeyFile* own_file() {
  static GKeyFile* const file = [] {
    GKeyFile* read = g_key_file_new();
    const std::filesystem::path path = folder_of_plugin() / REDDIFF_PRESETS / "GstReddiff.prs";
    g_key_file_load_from_file(read, path.c_str(), G_KEY_FILE_NONE, nullptr);
    return read;
  }();
  return file;
}

bool is_own(const gchar* name) { return name && *name != '_' && g_key_file_has_group(own_file(), name); }

bool gstreamer_knows(GstPreset* preset, const gchar* name) {
  g_auto(GStrv) names = defaults.get_preset_names(preset);
  return names && g_strv_contains(names, name);
}

gchar** get_preset_names(GstPreset* preset) {
  GPtrArray* all = g_ptr_array_new();
  g_auto(GStrv) known = defaults.get_preset_names(preset);
  for (gchar** name = known; name && *name; ++name) g_ptr_array_add(all, g_strdup(*name));
  g_auto(GStrv) own = g_key_file_get_groups(own_file(), nullptr);
  for (gchar** name = own; *name; ++name)
    if (is_own(*name) && !(known && g_strv_contains(known, *name))) g_ptr_array_add(all, g_strdup(*name));
  g_ptr_array_add(all, nullptr);
  return reinterpret_cast<gchar**>(g_ptr_array_free(all, FALSE));
}

void load_own(GstPreset* preset, const gchar* name) {
  g_auto(GStrv) keys = g_key_file_get_keys(own_file(), name, nullptr, nullptr);
  for (gchar** key = keys; key && *key; ++key) {
    if (g_str_has_prefix(*key, meta_prefix)) continue;
    const g_autofree gchar* value = g_key_file_get_value(own_file(), name, *key, nullptr);
    gst_util_set_object_arg(G_OBJECT(preset), *key, value);
  }
}

// One change, however many properties: frames between them would see half of it, and each would cost the past.
gboolean load_preset(GstPreset* preset, const gchar* name) {
  gboolean loaded = TRUE;
  g_object_freeze_notify(G_OBJECT(preset));
  if (gstreamer_knows(preset, name) || !is_own(name))
    loaded = defaults.load_preset(preset, name);
  else
    load_own(preset, name);
  g_object_thaw_notify(G_OBJECT(preset));
  return loaded;
}

gboolean get_meta(GstPreset* preset, const gchar* name, const gchar* tag, gchar** value) {
  if (gstreamer_knows(preset, name) || !is_own(name)) return defaults.get_meta(preset, name, tag, value);
  *value = g_key_file_get_value(own_file(), name, (std::string(meta_prefix) + tag).c_str(), nullptr);
  return *value != nullptr;
}

}  // namespace

void add_own_presets(GstPresetInterface* interface) {
  defaults = *interface;
  interface->get_preset_names = get_preset_names;
  interface->load_preset = load_preset;
  interface->get_meta = get_meta;
}

}  // namespace reddiff
