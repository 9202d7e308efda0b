// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/gst-dist/advice.h"

#include "gst/base/text.h"

namespace dist::tool {
namespace {

using Kind = JobError::Kind;
using Remedy = JobError::Remedy;

// What the library says of a damaged index is a sentence of its own.
std::string with_repair(const std::string& text) {
  return sentence(text) + " 'gst-dist-1.0 store check --repair STORE' does that.";
}

std::string with_option(const JobError& error) {
  const std::string& text = error.message;
  switch (error.remedy) {
    case Remedy::kRemote:
      return text + "; with --allow-remote it is followed";
    case Remedy::kReplace:
      return text + "; --yes replaces it";
    case Remedy::kClear:
      return text + ", which --yes does not remove";
    case Remedy::kSecret:
      return "--listen=" + text + "; give --secret-file, or set GST_DIST_SECRET";
    case Remedy::kBetterSecret:
      return "--listen=" + text;
    case Remedy::kVp9:
      return text + ", or give -r " + error.rendition + ":vp9";
    case Remedy::kRename:
      return "rendition '" + error.rendition +
             "': --thumbnails makes one of that name; give yours another";
    case Remedy::kRepairStore:
      return with_repair(text);
    case Remedy::kNone:
      break;
  }
  return text;
}

Remedy remedy_of(bool remote_follows) {
  return remote_follows ? Remedy::kRemote : Remedy::kNone;
}

}  // namespace

std::string advised(const JobError& error) {
  const std::string text = sentence(with_option(error));
  if (error.kind == Kind::kPortInUse)
    return text + " --wait waits for its turn.";
  if (error.kind == Kind::kNoWorker)
    return text +
           " Start one with 'gst-dist-1.0 worker --connect HOST:PORT', or give --local-workers.";
  return text;
}

std::string advised(const StoreError& error) {
  return error.fault == StoreFault::kDamaged ? with_repair(error.message) : sentence(error.message);
}

std::string advised(const FilmError& error) {
  return with_option({.message = error.message, .remedy = remedy_of(error.remote_follows)});
}

std::string advised(const RefusedLink& link) {
  return with_option({.message = link.text, .remedy = remedy_of(link.remote_follows)});
}

}  // namespace dist::tool
