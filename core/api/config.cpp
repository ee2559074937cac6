// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/api/config.h"

#include <string>

#include "core/api/error.h"

namespace reddiff {
namespace {

[[noreturn]] void refuse(const std::string& sentence) { throw Error(ErrorCode::settings, sentence); }

// A scale alone asks for a larger picture, and so it does where the picture is to be cleaned up: enlarging takes away what noise and codecs
// have left, too.
Task meant_task(const Config& config) {
  const bool cleans = config.task == Task::denoise || config.task == Task::restore;
  return cleans && config.operator_text.empty() && config.scale > 1 ? Task::super_resolution : config.task;
}

// Of a scale that the operator does not have.
std::string what_fits(const Config& config) {
  if (config.operator_text.empty() && config.task == Task::deinterlace)
    return "leave scale at 0, or set deinterlace=auto and task=restore to make whole frames and enlarge them";
  if (config.operator_text.empty() && config.task == Task::inpaint)
    return "leave scale at 0, or set task=super-resolution, which takes a mask as well, by mask-source or "
           "mask-location";
  return "leave scale at 0, set task=super-resolution, or choose another operator";
}

}  // namespace

OperatorSpec resolve_operator(const Config& config) {
  OperatorSpec op;
  if (!config.operator_text.empty()) {
    op = parse_operator(config.operator_text);
  } else {
    switch (meant_task(config)) {
      case Task::super_resolution:
        if (config.scale == 1) refuse("task=super-resolution needs scale=2 to 8; scale=1 leaves nothing to enlarge");
        op = parse_operator("bicubic:factor=" + std::to_string(config.scale == 0 ? 2 : config.scale));
        break;
      case Task::deblur:
        refuse("task=deblur needs the blur: set for example operator=gaussian-blur:sigma=1.6");
      default:
        op = parse_operator("identity");
    }
  }
  if (config.scale != 0 && config.scale != op.factor())
    refuse("scale=" + std::to_string(config.scale) + " does not fit operator " + op.text() + ", which reduces by " +
           std::to_string(op.factor()) + "; " + what_fits(config));
  return op;
}

int resolve_scale(const Config& config) { return resolve_operator(config).factor(); }

MaskSource resolve_mask(const Config& config) {
  const bool inpaints = config.task == Task::inpaint;
  switch (config.mask_source) {
    case MaskSource::automatic:
      if (!config.mask_location.empty()) return MaskSource::file;
      if (!config.mask_roi_type.empty()) return MaskSource::roi;
      return inpaints ? MaskSource::alpha : MaskSource::none;
    case MaskSource::none:
      if (inpaints)
        refuse(
            "task=inpaint needs a mask: set mask-source=alpha and send video with an alpha channel, or set "
            "mask-location to a "
            "picture, or mask-roi-type to the regions that are missing");
      break;
    case MaskSource::file:
      if (config.mask_location.empty())
        refuse("mask-source=file needs a picture: set mask-location to one whose dark parts are missing");
      break;
    default:
      break;
  }
  return config.mask_source;
}

bool makes_frames_of_fields(const Config& config) {
  return config.deinterlace == Deinterlace::automatic || config.task == Task::deinterlace;
}

bool only_makes_frames(const Config& config) {
  return config.task == Task::deinterlace && config.operator_text.empty() && resolve_mask(config) == MaskSource::none;
}

bool estimates_noise(const Config& config) { return config.noise < 0 && meant_task(config) != Task::inpaint; }

}  // namespace reddiff
