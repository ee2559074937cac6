// SPDX-License-Identifier: LGPL-2.1-or-later

/**
 * SECTION:element-reddiffbitstream
 * @title: reddiffbitstream
 * @see_also: reddiff
 *
 * Stands between a parser and a decoder, passes every buffer on as it is, and adds a meta that says how the frame was compressed:
 * codec, type of frame, quantiser, size. Decoders copy it to the decoded frame, where #GstReddiff takes the level of the errors from it.
 * What it does not understand it passes on without a meta, and counts.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=a.mp4 ! qtdemux ! h264parse ! reddiffbitstream ! avdec_h264 ! videoconvert ! reddiff task=restore ! videoconvert ! autovideosink
 * ]|
 */
#include "gst-plugin/gstreddiffbitstream.h"

#include <exception>
#include <memory>

#include "gst-plugin/bitstream_meta.h"
#include "gst-plugin/damage.h"
#include "gst-plugin/debug.h"
#include "gst-plugin/object_lock.h"

namespace {

using reddiff::ObjectLock;

enum Id { PROP_STATS = 1 };

constexpr const char* formats =
    "video/x-h264, parsed=(boolean)true, stream-format=(string){ byte-stream, avc, avc3 }, alignment=(string)au; "
    "video/x-h265, parsed=(boolean)true, stream-format=(string){ byte-stream, hvc1, hev1 }, alignment=(string)au; "
    "video/mpeg, parsed=(boolean)true, mpegversion=(int){ 1, 2, 4 }, systemstream=(boolean)false; "
    "video/x-divx, divxversion=(int){ 4, 5 }; video/x-xvid; video/x-vp8; video/x-vp9; "
    "video/x-av1, stream-format=(string)obu-stream; image/jpeg";

struct Private {
  // Streaming thread.
  reddiff::Codec codec = reddiff::Codec::h264;
  std::unique_ptr<reddiff::BitstreamReader> reader;
  reddiff::LossTracker losses;
  bool goes_on = false;  // a buffer came before, and nothing since that makes the next one stand alone
  // Any thread, under the object lock.
  guint64 frames = 0;
  guint64 unparsed = 0;
};

}  // namespace

struct _GstReddiffBitstream {
  GstBaseTransform parent;
  Private* priv;
};

G_DEFINE_TYPE(GstReddiffBitstream, gst_reddiff_bitstream, GST_TYPE_BASE_TRANSFORM)
GST_ELEMENT_REGISTER_DEFINE(reddiffbitstream, "reddiffbitstream", GST_RANK_NONE, GST_TYPE_REDDIFF_BITSTREAM)

static reddiff::Codec codec_of(const GstStructure* structure) {
  using reddiff::Codec;
  static const struct {
    const char* media;
    Codec codec;
  } all[] = {{"video/x-h264", Codec::h264},  {"video/x-h265", Codec::hevc}, {"video/x-divx", Codec::mpeg4},
             {"video/x-xvid", Codec::mpeg4}, {"video/x-vp8", Codec::vp8},   {"video/x-vp9", Codec::vp9},
             {"video/x-av1", Codec::av1},    {"image/jpeg", Codec::jpeg}};
  for (const auto& one : all)
    if (gst_structure_has_name(structure, one.media)) return one.codec;
  gint version = 0;
  gst_structure_get_int(structure, "mpegversion", &version);
  return version == 4 ? Codec::mpeg4 : Codec::mpeg12;
}

// Calls `use` with the bytes of a buffer. False where they cannot be read, or `use` says so; nothing that goes wrong goes further.
template <class Use> static bool with_bytes(GstBuffer* buffer, Use use) {
  GstMapInfo map;
  if (!gst_buffer_map(buffer, &map, GST_MAP_READ)) return false;
  bool good = false;
  try {
    good = use(reddiff::Bytes(map.data, map.size));
  } catch (const std::exception&) {
  }
  gst_buffer_unmap(buffer, &map);
  return good;
}

static gboolean gst_reddiff_bitstream_set_caps(GstBaseTransform* trans, GstCaps* incaps, GstCaps*) {
  Private* priv = GST_REDDIFF_BITSTREAM(trans)->priv;
  const GstStructure* structure = gst_caps_get_structure(incaps, 0);
  const gchar* form = gst_structure_get_string(structure, "stream-format");
  priv->codec = codec_of(structure);
  try {
    priv->reader = reddiff::make_bitstream_reader(priv->codec, form && g_strcmp0(form, "byte-stream") != 0);
  } catch (const std::exception&) {
    priv->reader.reset();
  }
  const GValue* data = gst_structure_get_value(structure, "codec_data");
  if (priv->reader && data && GST_VALUE_HOLDS_BUFFER(data) && gst_value_get_buffer(data))
    with_bytes(gst_value_get_buffer(data), [priv](reddiff::Bytes bytes) {
      priv->reader->on_codec_data(bytes);
      return true;
    });
  return TRUE;
}

static GstFlowReturn gst_reddiff_bitstream_submit(GstBaseTransform* trans, gboolean discont, GstBuffer* input) {
  Private* priv = GST_REDDIFF_BITSTREAM(trans)->priv;
  reddiff::CodedFrame frame;
  const bool good = priv->reader && with_bytes(input, [priv, &frame](reddiff::Bytes bytes) {
                      return priv->reader->read(bytes, frame);
                    });
  // What is taken for lost of the first buffer was never asked for.
  const bool marked = GST_BUFFER_FLAG_IS_SET(input, GST_BUFFER_FLAG_DISCONT | GST_BUFFER_FLAG_CORRUPTED);
  frame.lost = marked && priv->goes_on;
  frame.damaged = priv->losses.is_damaged(good && frame.type == 'I', frame.lost, GST_BUFFER_PTS(input));
  priv->goes_on = true;
  if (good) {
    input = gst_buffer_make_writable(input);  // of its description only, the bytes stay where they are
    reddiff::add_bitstream_meta(input, priv->codec, frame, gst_buffer_get_size(input));
  } else {
    GST_LOG_OBJECT(trans, "not understood: %" GST_PTR_FORMAT, input);
  }
  {
    const ObjectLock lock(trans);
    ++priv->frames;
    priv->unparsed += !good;
  }
  return GST_BASE_TRANSFORM_CLASS(gst_reddiff_bitstream_parent_class)->submit_input_buffer(trans, discont, input);
}

static gboolean gst_reddiff_bitstream_sink_event(GstBaseTransform* trans, GstEvent* event) {
  Private* priv = GST_REDDIFF_BITSTREAM(trans)->priv;
  const GstEventType type = GST_EVENT_TYPE(event);
  if (type == GST_EVENT_STREAM_START || type == GST_EVENT_FLUSH_STOP || type == GST_EVENT_SEGMENT) {
    priv->losses.clear();
    priv->goes_on = false;
  }
  return GST_BASE_TRANSFORM_CLASS(gst_reddiff_bitstream_parent_class)->sink_event(trans, event);
}

static gboolean gst_reddiff_bitstream_start(GstBaseTransform* trans) {
  Private* priv = GST_REDDIFF_BITSTREAM(trans)->priv;
  priv->reader.reset();
  priv->losses.clear();
  priv->goes_on = false;
  const ObjectLock lock(trans);
  priv->frames = priv->unparsed = 0;
  return TRUE;
}

static void gst_reddiff_bitstream_get_property(GObject* object, guint, GValue* value, GParamSpec*) {
  const Private* priv = GST_REDDIFF_BITSTREAM(object)->priv;
  const ObjectLock lock(object);
  g_value_take_boxed(value, gst_structure_new("reddiffbitstream-stats", "frames", G_TYPE_UINT64, priv->frames,
                                              "unparsed", G_TYPE_UINT64, priv->unparsed, nullptr));
}

static void gst_reddiff_bitstream_init(GstReddiffBitstream* self) {
  self->priv = new Private;
  gst_base_transform_set_passthrough(GST_BASE_TRANSFORM(self), TRUE);
}

static void gst_reddiff_bitstream_finalize(GObject* object) {
  delete GST_REDDIFF_BITSTREAM(object)->priv;
  G_OBJECT_CLASS(gst_reddiff_bitstream_parent_class)->finalize(object);
}

static void gst_reddiff_bitstream_class_init(GstReddiffBitstreamClass* klass) {
  auto* object_class = G_OBJECT_CLASS(klass);
  auto* element_class = GST_ELEMENT_CLASS(klass);
  auto* transform_class = GST_BASE_TRANSFORM_CLASS(klass);
  object_class->get_property = gst_reddiff_bitstream_get_property;
  object_class->finalize = gst_reddiff_bitstream_finalize;
  g_object_class_install_property(
      object_class, PROP_STATS,
      g_param_spec_boxed("stats", "stats",
                         "Since the start: frames, and unparsed, those of them that went on without a meta",
                         GST_TYPE_STRUCTURE, static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  gst_element_class_set_static_metadata(element_class, "RED-Diff bitstream reader", "Codec/Parser/Converter/Video",
                                        "Tells reddiff how each frame was compressed", "The gst-reddiff authors");
  GstCaps* caps = gst_caps_from_string(formats);
  gst_element_class_add_pad_template(element_class, gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, caps));
  gst_element_class_add_pad_template(element_class, gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps));
  gst_caps_unref(caps);
  transform_class->start = gst_reddiff_bitstream_start;
  transform_class->set_caps = gst_reddiff_bitstream_set_caps;
  transform_class->sink_event = gst_reddiff_bitstream_sink_event;
  transform_class->submit_input_buffer = gst_reddiff_bitstream_submit;
}
