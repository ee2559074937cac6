// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst-plugin/properties.h"

#include <string>
#include <variant>
#include <vector>

#include "core/api/names.h"

namespace reddiff {
namespace {

constexpr Name<QosPolicy> qos_policies[] = {
    {QosPolicy::degrade, "degrade",
     "fewer calls of the prior for frames that come too late, then plain resampling, then none"},
    {QosPolicy::drop, "drop", "no frame instead of one that comes too late"},
    {QosPolicy::none, "none", "every frame at its best, however late"},
};

}  // namespace

template <> std::span<const Name<QosPolicy>> names() { return qos_policies; }

namespace {

// A GEnum or GFlags whose words are the table names<E>().
template <typename E, typename Value>
GType words_type(const char* type_name, GType (*register_static)(const gchar*, const Value*)) {
  static const GType type = [&] {
    static std::vector<Value> values;
    for (const Name<E>& name : names<E>())
      values.push_back({static_cast<decltype(Value::value)>(name.value), name.description, name.nick});
    values.push_back({0, nullptr, nullptr});
    const GType registered = register_static(type_name, values.data());
    gst_type_mark_as_plugin_api(registered, static_cast<GstPluginAPIFlags>(0));
    return registered;
  }();
  return type;
}

struct EnumField {
  GType (*type)();
  int (*get)(const Settings&);
  void (*set)(Settings&, int);
};

template <auto member, const char* type_name> EnumField enum_field() {
  using E = std::remove_cvref_t<decltype(std::declval<Settings&>().*member)>;
  return {[] { return words_type<E>(type_name, g_enum_register_static); },
          [](const Settings& s) { return static_cast<int>(s.*member); },
          [](Settings& s, int value) { s.*member = static_cast<E>(value); }};
}

constexpr char deinterlace_type[] = "GstReddiffDeinterlace", fields_type[] = "GstReddiffFields";
constexpr char preset_type[] = "GstReddiffPreset", task_type[] = "GstReddiffTask", solver_type[] = "GstReddiffSolver",
               optimizer_type[] = "GstReddiffOptimizer", weighting_type[] = "GstReddiffWeighting",
               order_type[] = "GstReddiffOrder", spacing_type[] = "GstReddiffSpacing",
               temporal_type[] = "GstReddiffTemporal", mask_source_type[] = "GstReddiffMaskSource",
               precision_type[] = "GstReddiffPrecision", compare_type[] = "GstReddiffCompare",
               overlay_type[] = "GstReddiffOverlay", qos_policy_type[] = "GstReddiffQosPolicy";

struct FlagsField {
  GType (*type)();
  unsigned Settings::*value;
};

template <auto member, typename E, const char* type_name> FlagsField flags_field() {
  return {[] { return words_type<E>(type_name, g_flags_register_static); }, member};
}

using Field = std::variant<EnumField, FlagsField, double Settings::*, int Settings::*, std::string Settings::*,
                           guint64 Settings::*, bool Settings::*>;

struct Row {
  const char* name;
  Field field;
  double minimum, maximum;  // of numbers; 0, 0: guint64 without a limit
  Effect effect;
  bool controllable;
  const char* blurb;
};

constexpr Effect frame = Effect::frame, rebuild = Effect::rebuild, start = Effect::start;

const Row rows[] = {
    {"preset", enum_field<&Settings::preset, preset_type>(), 0, 0, rebuild, false,
     "How much work a frame may be: fills every property that is left at 'preset' or -1"},
    {"task", enum_field<&Settings::task, task_type>(), 0, 0, rebuild, false,
     "What to undo when 'operator' is empty; inpaint needs a mask, see 'mask-source'"},
    {"scale", &Settings::scale, 0, 8, rebuild, false,
     "Output size = input size x scale; 0 = from 'operator', or 2 for task=super-resolution and 1 for the others; "
     "alone, or with task=restore, it means task=super-resolution"},
    {"operator", &Settings::operator_text, 0, 0, rebuild, false,
     "Degradation to undo, instead of the task's: stages name:arg=value applied left to right and joined by '+', for "
     "example gaussian-blur:sigma=1.6+bicubic:factor=4; empty = from 'task'"},
    {"deinterlace", enum_field<&Settings::deinterlace, deinterlace_type>(), 0, 0, rebuild, false,
     "Whether whole frames are made of interlaced ones before anything else"},
    {"fields", enum_field<&Settings::fields, fields_type>(), 0, 0, rebuild, false,
     "Fields of interlaced video that become frames: all doubles the frame rate"},
    {"noise", &Settings::noise, -1, 255, frame, true,
     "Standard deviation of the input's noise in 8-bit code values, as if it were white; -1 = estimated from the "
     "video, but for inpaint, which takes it to be as low as the bit depth allows"},
    {"noise-max", &Settings::noise_max, 0, 255, frame, true,
     "Highest level that noise=-1 may take, in 8-bit code values: less = a wrong estimate can do less harm"},
    {"prior", &Settings::prior, 0, 0, start, false,
     "Image model: a built-in name (default, large, tiny, dct) or the path of a .safetensors, .pt, .pth or .ts file "
     "with "
     "its .json card beside it; "
     "dct needs no file"},
    {"allow-code", &Settings::allow_code, 0, 0, start, false,
     "Whether 'prior' may be a TorchScript program, which runs with your rights: only if you trust where it comes "
     "from"},
    {"solver", enum_field<&Settings::solver, solver_type>(), 0, 0, rebuild, false,
     "Algorithm that finds the clean picture"},
    {"optimizer", enum_field<&Settings::optimizer, optimizer_type>(), 0, 0, rebuild, false,
     "How a step's gradient moves the estimate; others than the preset's take 50 steps or more and the published "
     "weights, "
     "which hardly denoise: raise 'prior-weight' for that"},
    {"weighting", enum_field<&Settings::weighting, weighting_type>(), 0, 0, rebuild, false,
     "Weight of the prior as a function of a step's noise-to-signal ratio s"},
    {"order", enum_field<&Settings::order, order_type>(), 0, 0, rebuild, false,
     "Order in which the noise levels are visited"},
    {"spacing", enum_field<&Settings::spacing, spacing_type>(), 0, 0, rebuild, false,
     "Distance between the noise levels of the steps"},
    {"prior-weight", &Settings::prior_weight, -1, 1000, rebuild, false,
     "Weight of the prior (lambda of the method): more = smoother; -1 = preset; where a preset only denoises, 'noise' "
     "says "
     "that instead"},
    {"data-weight", &Settings::data_weight, -1, 1000, rebuild, false,
     "Weight of the input (v of the method): more = closer to it; -1 = preset"},
    {"learning-rate", &Settings::learning_rate, -1, 1000, rebuild, false, "Step length of the optimizer; -1 = preset"},
    {"optimizer-epsilon", &Settings::optimizer_epsilon, -1, 1000, rebuild, false,
     "Added to the root of the optimizer's second moment; more = small gradients move less; -1 = preset"},
    {"zeta", &Settings::zeta, -1, 1000, rebuild, false,
     "Of solver=dps: length of the step towards the input; of diffpir: share of the noise, 0 to 1, that is drawn "
     "afresh at "
     "every step; -1 = preset"},
    {"eta", &Settings::eta, -1, 1, rebuild, false,
     "Of solver=pigdm and ddrm: share of the noise that is drawn afresh at every step; -1 = preset"},
    {"steps", &Settings::steps, -1, 10000, rebuild, false,
     "Calls of the prior per frame; time grows in proportion; -1 = preset"},
    {"start-level", &Settings::start_level, -1, 100000, rebuild, false,
     "Noise level of the first step in 8-bit code values; more = freer invention, less = closer to the start; -1 = "
     "preset"},
    {"temporal", enum_field<&Settings::temporal, temporal_type>(), 0, 0, rebuild, false,
     "What a frame takes from those before it"},
    {"scene-threshold", &Settings::scene_threshold, 0, 1, rebuild, false,
     "Share of change between two frames from which the past is forgotten; 0 = never"},
    {"mask-source", enum_field<&Settings::mask_source, mask_source_type>(), 0, 0, rebuild, false,
     "Where missing pixels are marked; with alpha only formats that carry it are accepted, and the output is opaque"},
    {"mask-location", &Settings::mask_location, 0, 0, rebuild, false,
     "Picture of the mask, in any format that GStreamer decodes: what is not white (98 %) and opaque is missing, soft "
     "edges too; scaled to the video's size"},
    {"mask-roi-type", &Settings::mask_roi_type, 0, 0, rebuild, false,
     "Type of the regions of interest (GstVideoRegionOfInterestMeta) that are missing; empty = any"},
    {"mask-grow", &Settings::mask_grow, 0, 256, rebuild, false,
     "Pixels of the input by which what any mask marks as missing grows on every side, corners as well; more = soft "
     "edges and shadows of a logo are replaced too"},
    {"strength", &Settings::strength, 0, 1, frame, true,
     "Blend of known pixels: 0 = plainly resampled input (OpenCV's bicubic kernel), which needs no prior, 1 = "
     "restored; 0 at "
     "scale 1 passes buffers through"},
    {"chroma-strength", &Settings::chroma_strength, 0, 1, frame, true,
     "Blend of the colour alone, after 'strength': 0 = colours of the plainly resampled input under the restored "
     "brightness, 1 = restored"},
    {"compare", enum_field<&Settings::compare, compare_type>(), 0, 0, frame, false,
     "Whether the input is shown beside the result; frames that need nothing, and those of task=deinterlace, pass as "
     "they are, without a line"},
    {"compare-position", &Settings::compare_position, 0, 1, frame, true,
     "Where the line of compare=split stands, as a share of the width: 0 = only the result, 1 = only the input"},
    {"grain", &Settings::grain, 0, 1, frame, true,
     "Share of the noise taken away that is put back as new grain of the same level, by brightness, and spectrum; "
     "'seed' chooses it; frames without noise get none"},
    {"overlay", flags_field<&Settings::overlay, Overlay, overlay_type>(), 0, 0, frame, false,
     "Figures to draw into the upper left corner of the output"},
    {"conceal", &Settings::conceal, 0, 0, frame, false,
     "Whether frames whose decoder had nothing to predict them from, as packets were lost, show what was there before; "
     "needs a past ('temporal') and reddiffbitstream, or marks by the decoder"},
    {"device", &Settings::device, 0, 0, start, false,
     "Where to compute: auto, cpu or cuda:N; one that is asked for and missing is an error"},
    {"precision", enum_field<&Settings::precision, precision_type>(), 0, 0, start, false,
     "Number format that the prior computes in"},
    {"tile-size", &Settings::tile_size, 0, 32768, rebuild, false,
     "Side in pixels of what the prior sees at once: less = less memory; 0 = by frame size and device"},
    {"tile-overlap", &Settings::tile_overlap, 0, 4096, rebuild, false,
     "Pixels that neighbouring tiles share: more = seams harder to see; 0 = 48"},
    {"max-gap", &Settings::max_gap, 0, 0, frame, false,
     "Nanoseconds after which the past is forgotten when a gap, a segment or a buffer marked discontinuous skips them"},
    {"qos-policy", enum_field<&Settings::qos_policy, qos_policy_type>(), 0, 0, frame, false,
     "What to do when a sink says that frames come too late; with qos=false nothing is done"},
    {"processing-deadline", &Settings::processing_deadline, 0, 3.6e12, frame, false,
     "Nanoseconds of latency to report to a live pipeline at least; more is reported as soon as frames take longer"},
    {"seed", &Settings::seed, 0, 0, rebuild, false,
     "Seed of the solver's noise; the same seed and input give the same output"},
    {"post-messages", &Settings::post_messages, 0, 0, frame, false,
     "Post an element message 'reddiff-stats' with the fields of 'stats' and the timestamp for every frame"},
};

constexpr guint row_count = std::size(rows);

template <typename... Cases> struct Overloaded : Cases... { using Cases::operator()...; };
template <typename... Cases> Overloaded(Cases...) -> Overloaded<Cases...>;

GParamFlags flags_of(const Row& row) {
  int flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  flags |= row.effect == Effect::start ? GST_PARAM_MUTABLE_READY : GST_PARAM_MUTABLE_PLAYING;
  if (row.controllable) flags |= GST_PARAM_CONTROLLABLE;
  return static_cast<GParamFlags>(flags);
}

GParamSpec* make_spec(const Row& row) {
  static const Settings defaults;
  const GParamFlags flags = flags_of(row);
  const char *name = row.name, *blurb = row.blurb;
  return std::visit(
      Overloaded{
          [&](const EnumField& f) { return g_param_spec_enum(name, name, blurb, f.type(), f.get(defaults), flags); },
          [&](const FlagsField& f) {
            return g_param_spec_flags(name, name, blurb, f.type(), defaults.*f.value, flags);
          },
          [&](double Settings::*f) {
            return g_param_spec_double(name, name, blurb, row.minimum, row.maximum, defaults.*f, flags);
          },
          [&](int Settings::*f) {
            return g_param_spec_int(name, name, blurb, static_cast<int>(row.minimum), static_cast<int>(row.maximum),
                                    defaults.*f, flags);
          },
          [&](std::string Settings::*f) {
            return g_param_spec_string(name, name, blurb, (defaults.*f).c_str(), flags);
          },
          [&](guint64 Settings::*f) {
            const guint64 most = row.maximum > 0 ? static_cast<guint64>(row.maximum) : G_MAXUINT64;
            return g_param_spec_uint64(name, name, blurb, 0, most, defaults.*f, flags);
          },
          [&](bool Settings::*f) { return g_param_spec_boolean(name, name, blurb, defaults.*f, flags); },
      },
      row.field);
}

}  // namespace

guint install_properties(GObjectClass* klass) {
  for (guint i = 0; i < row_count; ++i) g_object_class_install_property(klass, i + 1, make_spec(rows[i]));
  g_object_class_install_property(
      klass, row_count + 1,
      g_param_spec_boxed(
          "stats", "stats",
          "Counts since start (frames, degraded ones, dropped ones, resets by cause, scene cuts, prior "
          "calls), milliseconds per frame, and the noise (per plane too), levels and device that were used",
          GST_TYPE_STRUCTURE, static_cast<GParamFlags>(G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)));
  return row_count + 1;
}

Effect set_property(Settings& settings, guint id, const GValue* value) {
  const Row& row = rows[id - 1];
  std::visit(Overloaded{
                 [&](const EnumField& f) { f.set(settings, g_value_get_enum(value)); },
                 [&](const FlagsField& f) { settings.*f.value = g_value_get_flags(value); },
                 [&](double Settings::*f) { settings.*f = g_value_get_double(value); },
                 [&](int Settings::*f) { settings.*f = g_value_get_int(value); },
                 [&](std::string Settings::*f) {
                   const gchar* text = g_value_get_string(value);
                   settings.*f = text ? text : "";
                 },
                 [&](guint64 Settings::*f) { settings.*f = g_value_get_uint64(value); },
                 [&](bool Settings::*f) { settings.*f = g_value_get_boolean(value); },
             },
             row.field);
  return row.effect;
}

void get_property(const Settings& settings, guint id, GValue* value) {
  std::visit(Overloaded{
                 [&](const EnumField& f) { g_value_set_enum(value, f.get(settings)); },
                 [&](const FlagsField& f) { g_value_set_flags(value, settings.*f.value); },
                 [&](double Settings::*f) { g_value_set_double(value, settings.*f); },
                 [&](int Settings::*f) { g_value_set_int(value, settings.*f); },
                 [&](std::string Settings::*f) { g_value_set_string(value, (settings.*f).c_str()); },
                 [&](guint64 Settings::*f) { g_value_set_uint64(value, settings.*f); },
                 [&](bool Settings::*f) { g_value_set_boolean(value, settings.*f); },
             },
             rows[id - 1].field);
}

}  // namespace reddiff
