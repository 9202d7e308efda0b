// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/farm_offers.h"

#include <algorithm>
#include <initializer_list>
#include <string>

#include "plugins/remoteenc_properties.h"

namespace dist {
namespace {

// The first property that asks for another farm than this one; empty: none. `all`: also those that
// nobody has set.
std::string differing_property(const Farm::Config& wanted, const std::set<guint>& given,
                               const Farm& farm, bool all) {
  const Farm::Config& had = farm.config();
  const auto asks = [&](std::initializer_list<guint> properties) {
    return all || std::ranges::any_of(properties, [&](guint id) { return given.contains(id); });
  };
  const auto& limits = wanted.workers.dispatcher;
  const auto& had_limits = had.workers.dispatcher;
  if (asks({PROP_ADDRESS}) && wanted.address != had.address)
    return "address";
  if (asks({PROP_PORT}) && wanted.port != 0 && wanted.port != farm.port())
    return "port";
  if (asks({PROP_SECRET, PROP_SECRET_FILE}) && wanted.workers.secret != had.workers.secret)
    return "secret";
  if (asks({PROP_ALLOW_ANONYMOUS}) && wanted.any_user != had.any_user)
    return "allow-anonymous";
  if (asks({PROP_MAX_CONNECTIONS_PER_ADDRESS}) &&
      wanted.workers.door.max_per_address != had.workers.door.max_per_address)
    return "max-connections-per-address";
  if (asks({PROP_DEADLINE_FLOOR}) && limits.deadline_floor != had_limits.deadline_floor)
    return "deadline-floor";
  if (asks({PROP_DEADLINE_FACTOR}) && limits.deadline_factor != had_limits.deadline_factor)
    return "deadline-factor";
  return "";
}

// Whether the element would listen where the farm does. Port 0 is another one each time.
bool has_place_of(const Farm::Config& wanted, const Farm& farm) {
  return wanted.listens && wanted.port != 0 && wanted.port == farm.port() &&
         wanted.address == farm.config().address;
}

}  // namespace

Result<std::shared_ptr<Farm>> take_offer(const FarmOffer& offer, const Farm::Config& wanted,
                                         const std::set<guint>& given) {
  const auto& [farm, handed_over] = offer;
  // What an element of the same pipeline has is for those that ask for the same port.
  if (!farm || (!handed_over && !has_place_of(wanted, *farm)))
    return std::shared_ptr<Farm>();
  const std::string property = differing_property(wanted, given, *farm, !handed_over);
  if (property.empty())
    return farm;
  const std::string whose =
      handed_over ? "the farm of the application" : "another remoteenc of this pipeline";
  return Error{property + ": " + whose + " at address " + farm->config().address + ", port " +
               std::to_string(farm->port()) + " has another one"};
}

}  // namespace dist
