// SPDX-License-Identifier: LGPL-2.1-or-later
//
// The files of tests/validate without gst-validate, which not every system packages: the same pipelines and the few kinds of
// actions that they use. An action that this file does not know fails, so that none is passed over.
#include <glib.h>

#include <fstream>
#include <vector>

#include "tests/check/check_util.h"

namespace {

// One structure a statement; a line goes on in the next where it ends with a comma or inside braces.
std::vector<GstStructure*> read_statements(const std::string& path) {
  std::ifstream file(path);
  fail_unless(file.good(), "%s", path.c_str());
  std::vector<GstStructure*> statements;
  std::string text;
  int depth = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    for (char c : line) depth += c == '{' ? 1 : c == '}' ? -1 : 0;
    text += line;
    if (depth > 0 || text.back() == ',') continue;
    GstStructure* statement = gst_structure_from_string(text.c_str(), nullptr);
    fail_unless(statement != nullptr, "%s: %s", path.c_str(), text.c_str());
    statements.push_back(statement);
    text.clear();
  }
  fail_unless(text.empty() && !statements.empty(), "%s: %s", path.c_str(), text.c_str());
  return statements;
}

class Player {
 public:
  explicit Player(const GstStructure* meta) {
    const GValue* lines = gst_structure_get_value(meta, "args");
    fail_unless(lines && gst_value_list_get_size(lines) == 1);
    GError* error = nullptr;
    pipeline_ = gst_parse_launch(g_value_get_string(gst_value_list_get_value(lines, 0)), &error);
    fail_unless(pipeline_ && !error, "%s", error ? error->message : "?");
    bus_ = gst_element_get_bus(pipeline_);
  }
  ~Player() {
    gst_element_set_state(pipeline_, GST_STATE_NULL);
    gst_object_unref(bus_);
    gst_object_unref(pipeline_);
  }
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;

  void act(const GstStructure* action) {
    gdouble time = 0;
    if (gst_structure_get_double(action, "playback-time", &time)) wait_until(time);
    if (gst_structure_has_field(action, "on-message")) wait_for_end();
    const std::string kind = gst_structure_get_name(action);
    if (kind == "play" || kind == "pause") {
      go(kind == "play" ? GST_STATE_PLAYING : GST_STATE_PAUSED);
    } else if (kind == "seek") {
      seek(action);
    } else if (kind == "set-properties" || kind == "check-properties") {
      properties_ = 0;
      gst_structure_foreach(action, kind == "set-properties" ? set_property : check_property, this);
      fail_unless(properties_ > 0);
    } else {
      fail_unless_equals_string(kind.c_str(), "stop");
    }
    fail_unless(check::take_errors(bus_).count == 0, "%s", kind.c_str());
  }

 private:
  void go(GstState state) {
    fail_unless(gst_element_set_state(pipeline_, state) != GST_STATE_CHANGE_FAILURE);
    fail_unless_equals_int(gst_element_get_state(pipeline_, nullptr, nullptr, 30 * GST_SECOND),
                           GST_STATE_CHANGE_SUCCESS);
  }

  void wait_until(double seconds) {
    gint64 position = 0;
    for (int i = 0; i < 3000; ++i) {
      if (gst_element_query_position(pipeline_, GST_FORMAT_TIME, &position) && position >= seconds * GST_SECOND) return;
      const check::Errors errors = check::take_errors(bus_);
      fail_unless(errors.count == 0, "%s", errors.text.c_str());
      g_usleep(10000);
    }
    fail("never came to %g s", seconds);
  }

  void wait_for_end() {
    GstMessage* message =
        gst_bus_timed_pop_filtered(bus_, 60 * GST_SECOND, GstMessageType(GST_MESSAGE_EOS | GST_MESSAGE_ERROR));
    fail_unless(message && GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS);
    gst_message_unref(message);
  }

  void seek(const GstStructure* action) {
    gdouble start = -1;
    fail_unless(gst_structure_get_double(action, "start", &start));
    fail_unless_equals_string(gst_structure_get_string(action, "flags"), "flush+accurate");
    fail_unless(gst_element_seek_simple(pipeline_, GST_FORMAT_TIME,
                                        GstSeekFlags(GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE),
                                        static_cast<gint64>(start * GST_SECOND)));
    fail_unless_equals_int(gst_element_get_state(pipeline_, nullptr, nullptr, 30 * GST_SECOND),
                           GST_STATE_CHANGE_SUCCESS);
  }

  // Fields are ELEMENT::PROPERTY; calls `visit` with the element, the property's name and the text of the value.
  template <typename Visit> gboolean property(GQuark field, const GValue* value, Visit visit) {
    gchar** parts = g_strsplit(g_quark_to_string(field), "::", 2);
    if (g_strv_length(parts) == 2) {
      GstElement* element = gst_bin_get_by_name(GST_BIN(pipeline_), parts[0]);
      fail_unless(element != nullptr, "%s", parts[0]);
      gchar* text = G_VALUE_HOLDS_STRING(value) ? g_value_dup_string(value) : gst_value_serialize(value);
      visit(element, parts[1], text);
      ++properties_;
      g_free(text);
      gst_object_unref(element);
    }
    g_strfreev(parts);
    return TRUE;
  }

  static gboolean set_property(GQuark field, const GValue* value, gpointer self) {
    return static_cast<Player*>(self)->property(field, value, [](GstElement* element, const char* name, gchar* text) {
      gst_util_set_object_arg(G_OBJECT(element), name, text);
    });
  }

  static gboolean check_property(GQuark field, const GValue* value, gpointer self) {
    return static_cast<Player*>(self)->property(field, value, [](GstElement* element, const char* name, gchar* text) {
      GValue got = G_VALUE_INIT;
      g_value_init(&got, g_object_class_find_property(G_OBJECT_GET_CLASS(element), name)->value_type);
      g_object_get_property(G_OBJECT(element), name, &got);
      gchar* shown = G_VALUE_HOLDS_STRING(&got) ? g_value_dup_string(&got) : gst_value_serialize(&got);
      fail_unless_equals_string(shown, text);
      g_free(shown);
      g_value_unset(&got);
    });
  }

  GstElement* pipeline_;
  GstBus* bus_;
  int properties_ = 0;
};

void play_file(const char* name) {
  const char* folder = g_getenv("REDDIFF_VALIDATE_FILES");
  fail_unless(folder != nullptr);
  const auto statements = read_statements(std::string(folder) + "/" + name + ".validatetest");
  fail_unless(gst_structure_has_name(statements[0], "meta"));
  Player player(statements[0]);
  for (std::size_t i = 1; i < statements.size(); ++i) player.act(statements[i]);
  for (GstStructure* statement : statements) gst_structure_free(statement);
}

}  // namespace

GST_START_TEST(playback) { play_file("playback"); }
GST_END_TEST
GST_START_TEST(caps_change) { play_file("caps_change"); }
GST_END_TEST
GST_START_TEST(seeks) { play_file("seeks"); }
GST_END_TEST

static Suite* validate_files_suite() {
  Suite* suite = suite_create("validate_files");
  TCase* cases = tcase_create("general");
  suite_add_tcase(suite, cases);
  tcase_add_test(cases, playback);
  tcase_add_test(cases, caps_change);
  tcase_add_test(cases, seeks);
  return suite;
}

GST_CHECK_MAIN(validate_files)
