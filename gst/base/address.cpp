// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/base/address.h"

#include <glib.h>

namespace dist {

std::optional<Address> parse_address(const std::string& text,
                                     std::optional<std::uint16_t> fallback) {
  const bool brackets = text.starts_with('[');
  const std::size_t end = brackets ? text.find(']') : text.find(':');
  if (brackets && end == std::string::npos)
    return {};
  Address address;
  address.host = brackets ? text.substr(1, end - 1) : text.substr(0, end);
  if (address.host.empty() || address.host.find_first_of("[] \t") != std::string::npos)
    return {};
  const std::string rest = end == std::string::npos ? "" : text.substr(end + (brackets ? 1 : 0));
  if (rest.empty()) {
    if (!fallback)
      return {};
    address.port = *fallback;
    return address;
  }
  guint64 port = 0;
  // A colon in the port, too, is one outside of brackets.
  if (rest[0] != ':' ||
      !g_ascii_string_to_unsigned(rest.c_str() + 1, 10, 0, G_MAXUINT16, &port, nullptr))
    return {};
  address.port = static_cast<std::uint16_t>(port);
  return address;
}

std::string address_text(const Address& address) {
  const bool brackets = address.host.find(':') != std::string::npos;
  return (brackets ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

}  // namespace dist
