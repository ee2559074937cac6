// SPDX-License-Identifier: LGPL-2.1-or-later
//
// A torch module of another version of the project: it has the symbol, and a guard number of its own.
#include "core/api/restorer.h"

static const reddiff::ModuleTable table{reddiff::module_guard("another version"), nullptr, nullptr};

__attribute__((visibility("default"))) const reddiff::ModuleTable* reddiff_module() { return &table; }
