// SPDX-License-Identifier: LGPL-2.1-or-later
//
// An application in C: restores a file, says how far it is, and what the element has to say. To build and to run:
//   cc application.c -o application $(pkg-config --cflags --libs gstreamer-1.0)
//   GST_PLUGIN_PATH_1_0=build/gst-plugin ./application IN OUT.mp4 noise 10
#include <gst/gst.h>
#include <stdlib.h>

static const char* description =
    "filesrc name=in ! decodebin ! videoconvert ! reddiff name=restorer ! videoconvert ! "
    "video/x-raw,format=I420 ! x264enc ! h264parse ! mp4mux ! filesink name=out";

static void set(GstBin* pipeline, const char* element, const char* property, const char* value) {
  g_autoptr(GstElement) found = gst_bin_get_by_name(pipeline, element);
  gst_util_set_object_arg(G_OBJECT(found), property, value);
}

// Statistics are a structure: its fields are listed in gst-plugin/reddiff.md.
static void report(GstBin* pipeline) {
  g_autoptr(GstElement) restorer = gst_bin_get_by_name(pipeline, "restorer");
  g_autoptr(GstStructure) stats = NULL;
  guint64 frames = 0;
  double noise = 0, milliseconds = 0;
  g_object_get(restorer, "stats", &stats, NULL);
  gst_structure_get(stats, "frames-out", G_TYPE_UINT64, &frames, "noise", G_TYPE_DOUBLE, &noise, "mean-ms",
                    G_TYPE_DOUBLE, &milliseconds, NULL);
  g_print("%" G_GUINT64_FORMAT " frames, noise %.1f, %.0f ms a frame\n", frames, noise, milliseconds);
}

// Until the end or an error; TRUE at the end.
static gboolean play(GstElement* pipeline) {
  g_autoptr(GstBus) bus = gst_element_get_bus(pipeline);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);
  for (;;) {
    g_autoptr(GstMessage) message =
        gst_bus_timed_pop_filtered(bus, GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
    g_autoptr(GError) error = NULL;
    if (!message) {
      report(GST_BIN(pipeline));
    } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) {
      report(GST_BIN(pipeline));
      return TRUE;
    } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
      gst_message_parse_error(message, &error, NULL);
      g_printerr("%s\n", error->message);
      return FALSE;
    } else {
      gst_message_parse_warning(message, &error, NULL);
      g_printerr("%s\n", error->message);
    }
  }
}

int main(int count, char** words) {
  gst_init(&count, &words);
  if (count < 3) {
    g_printerr("usage: application IN OUT.mp4 [PROPERTY VALUE]...\n");
    return 2;
  }
  g_autoptr(GError) error = NULL;
  g_autoptr(GstElement) pipeline = gst_parse_launch(description, &error);
  if (error) {
    g_printerr("%s\n", error->message);
    return EXIT_FAILURE;
  }
  set(GST_BIN(pipeline), "in", "location", words[1]);
  set(GST_BIN(pipeline), "out", "location", words[2]);
  for (int i = 3; i + 1 < count; i += 2) set(GST_BIN(pipeline), "restorer", words[i], words[i + 1]);
  const gboolean ended = play(pipeline);
  gst_element_set_state(pipeline, GST_STATE_NULL);
  return ended ? EXIT_SUCCESS : EXIT_FAILURE;
}
