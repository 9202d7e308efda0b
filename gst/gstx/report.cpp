// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/gstx/report.h"

#include "gst/base/text.h"

namespace dist {

Report report_of(GstMessage* message) {
  GError* error = nullptr;
  gchar* debug = nullptr;
  if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_WARNING)
    gst_message_parse_warning(message, &error, &debug);
  else
    gst_message_parse_error(message, &error, &debug);
  Report report{.text = error->message,
                .debug = take_string(debug),
                .domain = error->domain,
                .code = error->code};
  g_error_free(error);
  return report;
}

std::string factory_name(GstObject* object) {
  GstElementFactory* const factory =
      GST_IS_ELEMENT(object) ? gst_element_get_factory(GST_ELEMENT(object)) : nullptr;
  return factory ? GST_OBJECT_NAME(factory) : "";
}

}  // namespace dist
