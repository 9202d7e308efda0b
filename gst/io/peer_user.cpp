// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/peer_user.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include "gst/io/object.h"

namespace dist {
namespace {

using Address = Object<GSocketAddress>;

// As the table has it: words of 32 bits as this machine reads them, and the port.
std::string entry_of(GSocketAddress* address, bool mapped) {
  auto* const place = G_INET_SOCKET_ADDRESS(address);
  GInetAddress* const host = g_inet_socket_address_get_address(place);
  const std::size_t size = g_inet_address_get_native_size(host);
  std::uint32_t words[4] = {};
  std::memcpy(words, g_inet_address_to_bytes(host), std::min(size, sizeof words));
  char text[48];
  const unsigned port = g_inet_socket_address_get_port(place);
  if (size == sizeof words)
    std::snprintf(text, sizeof text, "%08X%08X%08X%08X:%04X", words[0], words[1], words[2],
                  words[3], port);
  else
    std::snprintf(text, sizeof text, "%s%08X:%04X",
                  mapped ? (G_BYTE_ORDER == G_LITTLE_ENDIAN ? "0000000000000000FFFF0000"
                                                            : "00000000000000000000FFFF")
                         : "",
                  words[0], port);
  return text;
}

std::optional<uid_t> look_in(const char* table, const std::string& theirs,
                             const std::string& ours) {
  std::ifstream file(table);
  std::string line;
  while (std::getline(file, line)) {
    // "number: local remote state queues timer retransmits user …".
    std::istringstream words(line);
    std::string number, local, remote, other;
    uid_t user = 0;
    if (words >> number >> local >> remote && local == theirs && remote == ours &&
        words >> other >> other >> other >> other >> user)
      return user;
  }
  return std::nullopt;
}

}  // namespace

bool is_on_loopback(GSocketConnection* socket) {
  const Address theirs(g_socket_connection_get_remote_address(socket, nullptr));
  return theirs && G_IS_INET_SOCKET_ADDRESS(theirs.get()) &&
         g_inet_address_get_is_loopback(
             g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(theirs.get())));
}

std::optional<uid_t> user_of_peer(GSocketConnection* socket) {
  const Address theirs(g_socket_connection_get_remote_address(socket, nullptr));
  const Address ours(g_socket_connection_get_local_address(socket, nullptr));
  if (!theirs || !ours || !G_IS_INET_SOCKET_ADDRESS(theirs.get()) ||
      !G_IS_INET_SOCKET_ADDRESS(ours.get()))
    return std::nullopt;
  const bool mapped = true;
  // A socket of IPv6 may have connected to an address of IPv4.
  if (const auto user =
          look_in("/proc/net/tcp", entry_of(theirs.get(), !mapped), entry_of(ours.get(), !mapped)))
    return user;
  return look_in("/proc/net/tcp6", entry_of(theirs.get(), mapped), entry_of(ours.get(), mapped));
}

}  // namespace dist
