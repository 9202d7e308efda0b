// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the command says of errors of the libraries: with the options that help.
#pragma once

#include <string>

#include "gst/film/film.h"
#include "gst/film/film_reach.h"
#include "gst/io/blob_store.h"
#include "gst/job/job_error.h"

namespace dist::tool {

// Sentences.
std::string advised(const JobError& error);
std::string advised(const StoreError& error);
// Most of a sentence.
std::string advised(const FilmError& error);
std::string advised(const RefusedLink& link);

}  // namespace dist::tool
