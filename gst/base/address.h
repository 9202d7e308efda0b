// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Where a primary listens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace dist {

struct Address {
  std::string host;  // A name or an address, without brackets.
  std::uint16_t port = 0;
};

// "HOST:PORT" or "[::1]:PORT"; without ":PORT" the port is `fallback`, if there is one. None if the
// text is neither.
std::optional<Address> parse_address(const std::string& text,
                                     std::optional<std::uint16_t> fallback = {});

// The other way round.
std::string address_text(const Address& address);

}  // namespace dist
