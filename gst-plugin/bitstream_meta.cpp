// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/bitstream_meta.h"

#include <array>
#include <cmath>
#include <string>

namespace reddiff {
namespace {

struct Name {
  Codec codec;
  const char* text;
};
constexpr Name names[] = {{Codec::h264, "h264"},   {Codec::hevc, "h265"}, {Codec::mpeg12, "mpeg2"},
                          {Codec::mpeg4, "mpeg4"}, {Codec::jpeg, "jpeg"}, {Codec::vp8, "vp8"},
                          {Codec::vp9, "vp9"},     {Codec::av1, "av1"}};

template <class Numbers, class Take>
void set_array(GstStructure* structure, const char* field, const Numbers& numbers, Take take) {
  GValue array = G_VALUE_INIT, value = G_VALUE_INIT;
  g_value_init(&array, GST_TYPE_ARRAY);
  g_value_init(&value, G_TYPE_INT);
  for (const auto& number : numbers) {
    g_value_set_int(&value, take(number));
    gst_value_array_append_value(&array, &value);
  }
  gst_structure_take_value(structure, field, &array);
}

void set_jpeg(GstStructure* structure, const CodedFrame& frame) {
  for (std::size_t i = 0; i < frame.tables.size(); ++i)
    if (frame.tables[i][0] != 0)
      set_array(structure, ("quantisation-table-" + std::to_string(i)).c_str(), frame.tables[i],
                [](int n) { return n; });
  set_array(structure, "horizontal-sampling", frame.components, [](const auto& c) { return c.horizontal; });
  set_array(structure, "vertical-sampling", frame.components, [](const auto& c) { return c.vertical; });
  set_array(structure, "table-of-component", frame.components, [](const auto& c) { return c.table; });
}

// The place of the n-th number of a table in its rows of eight: along the diagonals, there and back.
constexpr std::array<int, 64> make_zigzag() {
  std::array<int, 64> places{};
  int row = 0, column = 0;
  for (int& place : places) {
    place = 8 * row + column;
    const bool up = (row + column) % 2 == 0;
    int &ahead = up ? column : row, &back = up ? row : column;
    if (ahead == 7) {
      ++back;
    } else {
      ++ahead;
      if (back > 0) --back;
    }
  }
  return places;
}
constexpr std::array<int, 64> zigzag = make_zigzag();

// -1: there is no such number.
int number_in(const GstStructure* structure, const std::string& field, guint index) {
  const GValue* array = gst_structure_get_value(structure, field.c_str());
  if (!array || !GST_VALUE_HOLDS_ARRAY(array) || index >= gst_value_array_get_size(array)) return -1;
  const GValue* value = gst_value_array_get_value(array, index);
  return G_VALUE_HOLDS_INT(value) ? g_value_get_int(value) : -1;
}

bool read_plane(const GstStructure* structure, guint component, JpegTables::Plane& plane) {
  const int table = number_in(structure, "table-of-component", component);
  if (table < 0) return false;
  const std::string field = "quantisation-table-" + std::to_string(table);
  plane.horizontal = number_in(structure, "horizontal-sampling", component);
  plane.vertical = number_in(structure, "vertical-sampling", component);
  for (guint i = 0; i < zigzag.size(); ++i) {
    const int step = number_in(structure, field, i);
    if (step < 1 || step > G_MAXUINT16) return false;
    plane.steps[static_cast<std::size_t>(zigzag[i])] = static_cast<std::uint16_t>(step);
  }
  return true;
}

}  // namespace

const char* codec_name(Codec codec) {
  for (const Name& name : names)
    if (name.codec == codec) return name.text;
  return "";
}

void register_bitstream_meta() {
  static const gchar* no_tags[] = {nullptr};
  for (const char* name : {bitstream_meta_name, restored_meta_name})
    if (!gst_meta_get_info(name)) gst_meta_register_custom(name, no_tags, nullptr, nullptr, nullptr);
}

void add_bitstream_meta(GstBuffer* buffer, Codec codec, const CodedFrame& frame, gsize bytes) {
  if (GstCustomMeta* old = gst_buffer_get_custom_meta(buffer, bitstream_meta_name))
    gst_buffer_remove_meta(buffer, &old->meta);
  GstCustomMeta* meta = gst_buffer_add_custom_meta(buffer, bitstream_meta_name);
  if (!meta) return;
  const char type[] = {frame.type, '\0'};
  GstStructure* structure = gst_custom_meta_get_structure(meta);
  gst_structure_set(structure, "codec", G_TYPE_STRING, codec_name(codec), "frame-type", G_TYPE_STRING, type, "qp",
                    G_TYPE_DOUBLE, frame.qp, "scale-qp", G_TYPE_DOUBLE, frame.scale_qp, "reference-qp", G_TYPE_DOUBLE,
                    frame.reference_qp, "size", G_TYPE_UINT64, static_cast<guint64>(bytes), "width", G_TYPE_INT,
                    frame.width, "height", G_TYPE_INT, frame.height, "lost", G_TYPE_BOOLEAN, frame.lost, "damaged",
                    G_TYPE_BOOLEAN, frame.damaged, nullptr);
  if (!frame.components.empty()) set_jpeg(structure, frame);
}

bool read_bitstream_meta(GstBuffer* buffer, CodedFacts& facts) {
  GstCustomMeta* meta = gst_buffer_get_custom_meta(buffer, bitstream_meta_name);
  if (!meta) return false;
  const GstStructure* structure = gst_custom_meta_get_structure(meta);
  const gchar* codec = gst_structure_get_string(structure, "codec");
  for (const Name& name : names)
    if (g_strcmp0(name.text, codec) == 0) {
      facts.codec = name.codec;
      return gst_structure_get(structure, "reference-qp", G_TYPE_DOUBLE, &facts.reference_qp, "width", G_TYPE_INT,
                               &facts.width, "height", G_TYPE_INT, &facts.height, nullptr) &&
             std::isfinite(facts.reference_qp) && facts.width > 0 && facts.height > 0;
    }
  return false;
}

CodedLoss read_loss(GstBuffer* buffer) {
  GstCustomMeta* meta = gst_buffer_get_custom_meta(buffer, bitstream_meta_name);
  if (!meta) return {};
  gboolean lost = FALSE, damaged = FALSE;
  const bool known = gst_structure_get(gst_custom_meta_get_structure(meta), "lost", G_TYPE_BOOLEAN, &lost, "damaged",
                                       G_TYPE_BOOLEAN, &damaged, nullptr);
  return {known, known && lost, known && damaged};
}

void say_restored(GstBuffer* buffer) {
  register_bitstream_meta();
  if (!was_restored(buffer)) gst_buffer_add_custom_meta(buffer, restored_meta_name);
}

bool was_restored(GstBuffer* buffer) { return gst_buffer_get_custom_meta(buffer, restored_meta_name) != nullptr; }

bool read_jpeg_tables(GstBuffer* buffer, JpegTables& tables) {
  CodedFacts facts;
  if (!read_bitstream_meta(buffer, facts) || facts.codec != Codec::jpeg) return false;
  const GstStructure* structure =
      gst_custom_meta_get_structure(gst_buffer_get_custom_meta(buffer, bitstream_meta_name));
  tables = {};
  tables.width = facts.width;
  tables.height = facts.height;
  while (tables.planes < 4 && number_in(structure, "table-of-component", static_cast<guint>(tables.planes)) >= 0)
    ++tables.planes;
  if (tables.planes > 3) return false;
  for (int i = 0; i < tables.planes; ++i)
    if (!read_plane(structure, static_cast<guint>(i), tables.plane[static_cast<std::size_t>(i)])) return false;
  return is_valid(tables);
}

bool is_bitstream_meta(const GstMeta* meta) { return meta->info == gst_meta_get_info(bitstream_meta_name); }

}  // namespace reddiff
