// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/job/source_digest.h"

#include <glib.h>
#include <pthread.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

namespace dist {
namespace {

constexpr std::size_t kPiece = 1u << 20;

}  // namespace

SourceDigest::SourceDigest(std::string path)
    : path_(std::move(path)), thread_([this] {
        pthread_setname_np(pthread_self(), "dist-digest");
        found_ = read();
        done_ = true;
      }) {}

SourceDigest::~SourceDigest() {
  cancelled_ = true;
  if (thread_.joinable())
    thread_.join();
}

const Result<SourceDigest::Found>& SourceDigest::await() {
  if (thread_.joinable())
    thread_.join();
  return found_;
}

Result<SourceDigest::Found> SourceDigest::read() const {
  const auto refuse = [this](int error) {
    return Error{path_ + ": cannot be read: " + std::strerror(error)};
  };
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path_.c_str(), "rbe"),
                                                             std::fclose);
  if (!file)
    return refuse(errno);
  const std::unique_ptr<GChecksum, void (*)(GChecksum*)> checksum(g_checksum_new(G_CHECKSUM_SHA256),
                                                                  g_checksum_free);
  Found found;
  std::vector<std::uint8_t> piece(kPiece);
  while (!cancelled_) {
    const std::size_t got = std::fread(piece.data(), 1, piece.size(), file.get());
    g_checksum_update(checksum.get(), piece.data(), static_cast<gssize>(got));
    found.bytes += got;
    if (got < piece.size())
      break;
  }
  if (std::ferror(file.get()) != 0)
    return refuse(errno);
  gsize size = found.sha256.size();
  g_checksum_get_digest(checksum.get(), found.sha256.data(), &size);
  return found;
}

}  // namespace dist
