// SPDX-License-Identifier: LGPL-2.1-or-later
#include "core/api/abort.h"

#include "core/api/error.h"

namespace reddiff {
namespace {

thread_local const std::atomic<bool>* current = nullptr;
thread_local AbortAtAsk* counter = nullptr;

}  // namespace

AbortScope::AbortScope(const std::atomic<bool>* flag) : outer_(current) { current = flag; }

AbortScope::~AbortScope() { current = outer_; }

AbortAtAsk::AbortAtAsk(std::atomic<bool>& flag, int n) : flag_(flag), n_(n), outer_(counter) { counter = this; }

AbortAtAsk::~AbortAtAsk() { counter = outer_; }

void throw_if_aborted() {
  if (counter && ++counter->asks_ == counter->n_) counter->flag_ = true;
  if (current && current->load(std::memory_order_relaxed)) throw Error(ErrorCode::aborted, "restoring was interrupted");
}

}  // namespace reddiff
