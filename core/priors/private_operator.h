// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Operators that are private to LibTorch, looked up at run time: a release may lack them or have changed them.
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>

#include <cstddef>
#include <exception>
#include <optional>

namespace reddiff {

// None where there is no operator of this name, or it takes another number of arguments: that is another LibTorch, whose arguments may mean
// something else. Throws what LibTorch throws where the types are not those of Signature.
template <class Signature>
std::optional<c10::TypedOperatorHandle<Signature>> find_private_operator(const char* name, const char* overload,
                                                                         std::size_t arguments) {
  const auto found = c10::Dispatcher::singleton().findSchema({name, overload});
  if (!found || found->schema().arguments().size() != arguments) return std::nullopt;
  return found->typed<Signature>();
}

// The operators that `find` has found, if `works` says so of them.
template <class Operators>
std::optional<Operators> found_to_work(std::optional<Operators> (*find)(), bool (*works)(const Operators&)) {
  try {
    auto operators = find();
    if (operators && works(*operators)) return operators;
  } catch (const std::exception&) {
    // A LibTorch built without oneDNN, or with other signatures: there are other ways to do the same work.
  }
  return std::nullopt;
}

}  // namespace reddiff
