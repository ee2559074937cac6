// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Makers of every operator, one for each kind of core/api/operator_spec.h. A stage comes from parse_operator: its arguments
// are complete and inside their ranges. But for `gray` and `jpeg`, they treat each channel alike; all take one channel or three,
// so that they can stand on either side of `gray`, and compute in the type of the picture.
#pragma once

#include <vector>

#include "core/api/operator_spec.h"
#include "core/operators/operator.h"

namespace reddiff {

OperatorPtr make_identity(const OperatorStage&);
OperatorPtr make_average_pool(const OperatorStage&);   // factor
OperatorPtr make_bicubic(const OperatorStage&);        // factor
OperatorPtr make_gaussian_blur(const OperatorStage&);  // sigma
OperatorPtr make_box_blur(const OperatorStage&);       // size
OperatorPtr make_motion_blur(const OperatorStage&);    // length, angle
OperatorPtr make_kernel_blur(const OperatorStage&);    // file; throws Error{not_found, open_read, settings}
OperatorPtr make_gray(const OperatorStage&);
OperatorPtr make_hdr(const OperatorStage&);       // gain
OperatorPtr make_quantise(const OperatorStage&);  // bits
OperatorPtr make_jpeg(const OperatorStage&);      // quality, subsampling

// stages.back()(...(stages.front()(x))); the stage itself if there is only one. `stages` is not empty.
OperatorPtr make_composition(std::vector<OperatorPtr> stages);

}  // namespace reddiff
