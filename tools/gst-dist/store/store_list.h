// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What is in a store: `store ls` and `store du`. Both print, and return an exit code.
#pragma once

#include "tools/gst-dist/store/opened_store.h"

namespace dist::tool {

int list_store(const OpenedStore& store, bool json);
int sum_up_store(const OpenedStore& store, bool json);

}  // namespace dist::tool
