/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A stranger's program: it links GStreamer alone and makes the element from wherever the registry finds it.
 *
 *   host LAUNCH_LINE          runs it to the end
 *   host --presets            loads every GstPreset of reddiff; prints NAME PROPERTY=VALUE for what differs from a new element
 *   host --maps LAUNCH_LINE   as the first, and prints the files that the process had mapped at the end
 */
#include <gst/gst.h>
#include <stdio.h>
#include <string.h>

static int run(const char* line) {
  GError* error = NULL;
  GstElement* pipeline = gst_parse_launch(line, &error);
  GstBus* bus;
  GstMessage* message;
  int failed = 1;
  if (!pipeline || error) {
    fprintf(stderr, "%s\n", error ? error->message : "no pipeline");
    return 1;
  }
  bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered(bus, 120 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  if (message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) {
    failed = 0;
  } else if (message) {
    gst_message_parse_error(message, &error, NULL);
    fprintf(stderr, "%s\n", error->message);
  } else {
    fprintf(stderr, "neither end nor error\n");
  }
  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(pipeline);
  return failed;
}

static void print_maps(void) {
  char line[4096];
  FILE* maps = fopen("/proc/self/maps", "r");
  while (maps && fgets(line, sizeof line, maps))
    if (strchr(line, '/')) fputs(strchr(line, '/'), stdout);
  if (maps) fclose(maps);
}

static void print_difference(const char* preset, GObject* one, GObject* other) {
  guint count, i;
  GParamSpec** specs = g_object_class_list_properties(G_OBJECT_GET_CLASS(one), &count);
  for (i = 0; i < count; ++i) {
    GValue a = G_VALUE_INIT, b = G_VALUE_INIT;
    if (specs[i]->owner_type != G_OBJECT_TYPE(one) || !(specs[i]->flags & G_PARAM_WRITABLE)) continue;
    g_value_init(&a, specs[i]->value_type);
    g_value_init(&b, specs[i]->value_type);
    g_object_get_property(one, specs[i]->name, &a);
    g_object_get_property(other, specs[i]->name, &b);
    if (g_param_values_cmp(specs[i], &a, &b) != 0) {
      gchar* text = gst_value_serialize(&a);
      printf("%s %s=%s\n", preset, specs[i]->name, text);
      g_free(text);
    }
    g_value_unset(&a);
    g_value_unset(&b);
  }
  g_free(specs);
}

static int presets(void) {
  GstElement* fresh = gst_element_factory_make("reddiff", NULL);
  gchar **names, **name, *comment;
  if (!fresh) return 1;
  names = gst_preset_get_preset_names(GST_PRESET(fresh));
  for (name = names; name && *name; ++name) {
    GstElement* element = gst_element_factory_make("reddiff", NULL);
    /* What a user had overridden must not outlive the choice of a preset. */
    gst_util_set_object_arg(G_OBJECT(element), "optimizer", "sgd");
    g_object_set(element, "steps", 50, "learning-rate", 2.0, NULL);
    if (!gst_preset_load_preset(GST_PRESET(element), *name)) return 1;
    if (!gst_preset_get_meta(GST_PRESET(element), *name, "comment", &comment)) return 1;
    print_difference(*name, G_OBJECT(element), G_OBJECT(fresh));
    g_free(comment);
    gst_object_unref(element);
  }
  g_strfreev(names);
  gst_object_unref(fresh);
  return 0;
}

int main(int argc, char** argv) {
  int failed;
  gst_init(&argc, &argv);
  if (argc == 2 && strcmp(argv[1], "--presets") == 0) return presets();
  failed = run(argv[argc - 1]);
  if (argc == 3) print_maps();
  return failed;
}
