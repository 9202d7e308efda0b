// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Fills a bin with elements and links them.
#pragma once

#include <gst/gst.h>

#include <initializer_list>
#include <string>

#include "gst/base/result.h"
#include "gst/gstx/ref.h"

namespace dist {

class BinBuilder {
 public:
  // Borrowed; outlives the builder.
  explicit BinBuilder(GstBin* bin) : bin_(bin) {}

  // Adds an element. Where there is none of that kind another one takes its place, and status()
  // says so.
  Ref<GstElement> add(const std::string& factory, const std::string& name = {});
  // A queue without limits: what goes past the workers waits there for what they make.
  Ref<GstElement> add_queue(const std::string& name = {});
  // Adds a filter that lets these caps through.
  Ref<GstElement> add_filter(const std::string& caps);

  // Sets properties, as g_object_set() takes them without its null at the end. Nothing once
  // something could not be done: another element may stand there.
  template <class... Values>
  void set(const Ref<GstElement>& element, const char* name, Values... values) {
    if (status_)
      g_object_set(element.get(), name, values..., nullptr);
  }

  // Links each to the next one. Request pads are taken as GStreamer finds them.
  void link(std::initializer_list<Ref<GstElement>> elements);
  // Links to a request pad of that template.
  void link(const Ref<GstElement>& from, const Ref<GstElement>& to, const char* pad_template);
  // Links once `from` has a pad that `to` takes.
  void link_later(const Ref<GstElement>& from, const Ref<GstElement>& to);

  // The first thing that could not be done.
  const Status& status() const { return status_; }

 private:
  void note(const std::string& text);

  GstBin* const bin_;
  Status status_;
};

// The static sink pad of an element.
Ref<GstPad> sink_of(const Ref<GstElement>& element);

}  // namespace dist
