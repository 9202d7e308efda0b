// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/film/film_reach.h"

#include <gst/gst.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "gst/base/text.h"

namespace dist {
namespace {

namespace fs = std::filesystem;

std::string scheme_of(const std::string& uri) {
  return take_string(gst_uri_get_protocol(uri.c_str()));
}

bool is_http(const std::string& scheme) {
  return scheme == "http" || scheme == "https";
}

// --- Where a film lies

// With the links in it followed; empty if the URI is none of a file.
fs::path file_of(const std::string& uri) {
  const std::string path = take_string(g_filename_from_uri(uri.c_str(), nullptr, nullptr));
  std::error_code error;
  return path.empty() ? fs::path() : fs::weakly_canonical(path, error);
}

// A pipe or a device could be waited for without end.
bool is_file_beside(const std::string& film, const fs::path& file) {
  const fs::path folder = file_of(film).parent_path();
  std::error_code error;
  if (folder.empty() || file.empty() || !fs::is_regular_file(file, error))
    return false;
  const fs::path below = file.lexically_relative(folder);
  return !below.empty() && *below.begin() != "..";
}

struct Host {
  std::string name;
  int port = 0;  // 0: that of HTTP or HTTPS.
  bool operator==(const Host&) const = default;
};

Host host_of(const std::string& uri) {
  GUri* const parsed = g_uri_parse(uri.c_str(), G_URI_FLAGS_NONE, nullptr);
  if (!parsed)
    return {};
  Host host;
  if (const char* name = g_uri_get_host(parsed))
    host.name = take_string(g_ascii_strdown(name, -1));
  const int port = g_uri_get_port(parsed);
  host.port = port == -1 || port == 80 || port == 443 ? 0 : port;
  g_uri_unref(parsed);
  return host;
}

bool is_on_host_of(const std::string& film, const std::string& uri) {
  const Host host = host_of(uri);
  return is_http(scheme_of(film)) && !host.name.empty() && host == host_of(film);
}

// Never taken together with that of a reach.
Mutex living_lock;
std::vector<std::weak_ptr<FilmReach>> all_reaches GUARDED_BY(living_lock);

}  // namespace

FilmReach::FilmReach(std::vector<std::string> uris, bool remote)
    : uris_(std::move(uris)), remote_(remote) {}

std::shared_ptr<FilmReach> FilmReach::make(std::vector<std::string> uris, bool remote) {
  const std::shared_ptr<FilmReach> reach(new FilmReach(std::move(uris), remote));
  const MutexLock guard(living_lock);
  std::erase_if(all_reaches, [](const auto& one) { return one.expired(); });
  all_reaches.push_back(reach);
  return reach;
}

std::vector<std::shared_ptr<FilmReach>> FilmReach::living() {
  std::vector<std::shared_ptr<FilmReach>> living;
  const MutexLock guard(living_lock);
  for (const auto& one : all_reaches)
    if (auto reach = one.lock())
      living.push_back(std::move(reach));
  return living;
}

bool FilmReach::allows(const std::string& uri) const {
  if (std::ranges::find(uris_, uri) != uris_.end())
    return true;
  const std::string scheme = scheme_of(uri);
  // It is in the playlist itself.
  if (scheme == "data" || (remote_ && is_http(scheme)))
    return true;
  const bool is_file = scheme == "file";
  const fs::path file = is_file ? file_of(uri) : fs::path();
  return std::ranges::any_of(uris_, [&](const std::string& film) {
    return is_file ? is_file_beside(film, file) : is_http(scheme) && is_on_host_of(film, uri);
  });
}

std::optional<RefusedLink> FilmReach::refusal_of(const std::string& uri) const {
  if (allows(uri))
    return {};
  return RefusedLink{"it leads to " + uri + ", which does not lie where the film does",
                     is_http(scheme_of(uri))};
}

void FilmReach::note(const RefusedLink& link) {
  const MutexLock guard(lock_);
  if (!refused_)
    refused_ = link;
}

std::optional<RefusedLink> FilmReach::refused() const {
  const MutexLock guard(lock_);
  return refused_;
}

}  // namespace dist
