// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

// What the shared library of the farm shows. The plugin and an application that hands its farm over
// use the same copy.
#define DIST_FARM_API __attribute__((visibility("default")))
