// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// What the command reads of a film itself, before GStreamer does. An input is a file.
#include <sys/mman.h>
#include <unistd.h>

#include <sstream>
#include <string>

#include "gst/film/dolby_vision.h"
#include "gst/film/film_mends.h"
#include "gst/film/mended_file.h"
#include "gst/film/mp4_rotation.h"
#include "gst/film/ts_head.h"
#include "gst/film/ts_scan.h"
#include "gst/film/unsupported_video.h"
#include "gst/film/video_length.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace dist;

// Odd, so that packets and tables are cut anywhere.
constexpr std::size_t kPiece = 101;
// What mends add to a file at most: a clock of 6,000 packets before a transport stream, or a copy
// of the movie box and twice its tables.
constexpr std::uint64_t kMostAdded = 6000 * 192;
constexpr std::uint64_t kMostCopies = 4;

// A file that has a path and is in memory only.
class File {
 public:
  explicit File(std::string_view bytes) : file_(memfd_create("film", MFD_CLOEXEC)) {
    REQUIRE(file_ >= 0);
    REQUIRE(::write(file_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
  }
  ~File() { close(file_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  std::string path() const { return "/proc/self/fd/" + std::to_string(file_); }

 private:
  const int file_;
};

void check(const CodecChange& change) {
  REQUIRE(change.pid < 8192 && change.at >= 0 && !change_text(change).empty());
}

void scan(const TsMends& stream, std::string_view bytes) {
  LayoutScan layouts(stream);
  CodecScan whole(stream.packet);
  CodecScan pieces(stream.packet);
  layouts.take(bytes);
  whole.take(bytes);
  for (std::size_t at = 0; at < bytes.size(); at += kPiece)
    pieces.take(bytes.substr(at, kPiece));
  for (const unsigned pid : layouts.changing())
    REQUIRE(pid < 8192);
  REQUIRE(pieces.sounds().size() == whole.sounds().size());
  REQUIRE(pieces.changes().size() == whole.changes().size());
  for (std::size_t i = 0; i < whole.changes().size(); ++i) {
    check(whole.changes()[i]);
    REQUIRE(change_text(whole.changes()[i]) == change_text(pieces.changes()[i]));
  }
}

// The mends lie in the file, in order and none over another, and reading with them comes to an end.
void check_mends(const std::string& path, const std::vector<Mend>& mends, std::size_t size) {
  std::uint64_t end = 0;
  for (const Mend& mend : mends) {
    REQUIRE(mend.at >= end && mend.at <= size && mend.replaced <= size - mend.at);
    end = mend.at + mend.replaced;
  }
  MendedFile file(path, mends);
  REQUIRE(file.size() <= kMostAdded + kMostCopies * size);
  std::uint64_t at = 0;
  while (at < file.size()) {
    const std::string bytes = file.read(at, std::size_t{64} * 1024);
    REQUIRE(!bytes.empty());
    at += bytes.size();
  }
  REQUIRE(at == file.size() && file.read(at, 1).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  flaw_of_transport_stream({data, size});
  if (const TsMends stream = mend_ts_head(bytes); stream.packet != 0)
    scan(stream, bytes);

  const File file(bytes);
  check_mends(file.path(), find_mends(file.path()).mends, size);

  std::stringstream stream{std::string(bytes)};
  if (const auto vision = dolby_vision_of(stream))
    REQUIRE(!base_layer(*vision).empty());
  length_in_mp4(stream);
  for (std::uint64_t track = 0; track < 3; ++track)
    track_length_in_mp4(stream, track);
  const auto turned = set_rotation(stream, "rotate-90");
  REQUIRE(stream.str().size() == size || !turned);
  return 0;
}
