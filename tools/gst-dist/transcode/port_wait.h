// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Waits for its turn on a port that another job of this machine listens on.
#pragma once

#include <functional>

#include "gst/base/address.h"

namespace dist::tool {

// Until nobody listens there, or nothing can; says so if it has to wait. False: interrupted. At a
// second signal calls `abandon`, from another thread, and ends the process.
bool wait_for_port(const Address& address, const std::function<void()>& abandon);

}  // namespace dist::tool
