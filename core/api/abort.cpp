// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/api/abort.h"

#include "core/api/error.h"

namespace reddiff {
namespace {

thread_local const std::atomic<bool>* current = nullptr;

}  // namespace

AbortScope::AbortScope(const std::atomic<bool>* flag) : outer_(current) { current = flag; }

AbortScope::~AbortScope() { current = outer_; }

void throw_if_aborted() {
  if (current && current->load(std::memory_order_relaxed)) throw Error(ErrorCode::aborted, "restoring was interrupted");
}

}  // namespace reddiff
