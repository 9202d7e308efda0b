// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Whole publications in which files are stored in random order. After each write the files of the
// place are such that no viewer meets a name of a file that is not there.
#include <set>

#include "gst/publish/hls_media.h"
#include "tests/publish/scenarios.h"

namespace {

using namespace dist;
using namespace dist::test;

struct Upload {
  std::size_t track = 0;
  MediaSegment segment;
};

// What the playlist names, and of which file that is.
std::vector<std::string> named_by(const std::string& name, const std::string& text) {
  std::vector<std::string> names;
  const std::string folder = name.substr(0, name.find('/') + 1);
  bool gap = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    at = end + 1;
    if (line == "#EXT-X-GAP")
      gap = true;
    const std::size_t uri = line.find("URI=\"");
    if (!line.starts_with('#') && !gap)
      names.push_back(folder + line);
    else if (line.starts_with("#EXT-X-") && uri != std::string::npos &&
             !line.ends_with("init.mp4\""))
      names.push_back(folder + line.substr(uri + 5, line.find('"', uri + 5) - uri - 5));
    if (!line.starts_with('#'))
      gap = false;
  }
  return names;
}

// One that was written a while ago must not name what was removed since.
void check_names(const Files& files, std::uint64_t seed) {
  for (const auto& [name, text] : files)
    if (name.ends_with(".m3u8"))
      for (const std::string& file : named_by(name, text))
        require_often(files.contains(file), "seed %d: %s names %s", static_cast<int>(seed),
                      name.c_str(), file.c_str());
}

std::string entries_of(const std::string& text) {
  const std::size_t begin = text.find("#EXTINF");
  const std::size_t end = text.find("#EXT-X-ENDLIST");
  return begin == std::string::npos ? "" : text.substr(begin, end - begin);
}

class Run {
 public:
  explicit Run(std::uint64_t seed) : seed_(seed), random_(seed), stage_(make()) {
    const std::uint64_t count = 1 + random_.below(30);
    for (std::size_t track = 0; track < stage_.tracks().size(); ++track) {
      lengths_.push_back(count);
      if (stage_.track(track).kind != TrackKind::kVideo && random_.chance(30))
        lengths_.back() -= random_.below(count);
      for (std::uint64_t i = 0; i < lengths_.back(); ++i)
        uploads_.push_back({track, holds_up(stage_.track(track).kind)
                                       ? film_segment(stage_.track(track), i)
                                       : sheet(i)});
    }
  }

  void play() {
    while (!uploads_.empty()) {
      store_one();
      if (random_.chance(3))
        drop_one();
      if (random_.chance(60))
        step();
    }
    for (std::size_t track = 0; track < stage_.tracks().size(); ++track)
      stage_.publication.end(track);
    step();
    require_often(finished_, "seed %d: does not end", static_cast<int>(seed_));
    check_whole();
  }

 private:
  Stage make() {
    Settings settings = some_settings();
    settings.live = random_.chance(30);
    if (random_.chance(30))
      settings.window = 1 + random_.below(6);
    window_ = settings.window;
    return Stage::of(settings, some_tracks());
  }

  // Uploads run ahead of each other, but not by far.
  void store_one() {
    const std::size_t index = random_.below(std::min<std::size_t>(uploads_.size(), 40));
    std::ranges::stable_sort(uploads_, {},
                             [](const Upload& upload) { return upload.segment.number; });
    const Upload upload = uploads_[index];
    uploads_.erase(uploads_.begin() + static_cast<std::ptrdiff_t>(index));
    if (stage_.tracks()[upload.track].dropped_at)
      return;
    stage_.store(upload.track, upload.segment);
    stored_.insert({upload.track, upload.segment.number});
    const bool more = std::ranges::any_of(
        uploads_, [&](const Upload& other) { return other.track == upload.track; });
    if (!more && random_.chance(70))
      stage_.publication.end(upload.track);
  }

  void drop_one() {
    if (stage_.tracks()[0].dropped_at || stage_.tracks()[1].dropped_at)
      return;
    fail_unless_ok(stage_.publication.drop(random_.below(2)));
  }

  void step() {
    stage_.now += static_cast<std::int64_t>(random_.below(9'000'000));
    const auto step = stage_.publication.next(stage_.now);
    fail_unless_ok(step);
    // A viewer may look between any two writes.
    for (const PlaylistFile& file : step->writes) {
      check_growth(file);
      stage_.files[file.name] = file.text;
      if (file.name.ends_with(".m3u8"))
        check_names(stage_.files, seed_);
    }
    for (const std::string& name : step->removals)
      stage_.files.erase(name);
    check_names(stage_.files, seed_);
    check_listed();
    finished_ = step->finished;
  }

  // Playlists without window only grow.
  void check_growth(const PlaylistFile& file) {
    const auto before = stage_.files.find(file.name);
    if (window_ > 0 || before == stage_.files.end() || file.name == "master.m3u8" ||
        file.name == "manifest.mpd")
      return;
    require_often(entries_of(file.text).starts_with(entries_of(before->second)),
                  "seed %d: %s does not only grow", static_cast<int>(seed_), file.name.c_str());
  }

  // Everything below is stored in every track that has it at all.
  void check_listed() {
    for (const TrackListing& listing : stage_.tracks())
      if (holds_up(listing.track.kind) && !listing.segments.empty())
        for (std::size_t track = 0; track < stage_.tracks().size(); ++track) {
          const std::uint64_t number = listing.segments.back().number;
          const auto& dropped = stage_.tracks()[track].dropped_at;
          if (!holds_up(stage_.track(track).kind) || number >= lengths_[track] ||
              (dropped && number >= *dropped))
            continue;
          require_often(stored_.contains({track, number}), "seed %d: segment %d",
                        static_cast<int>(seed_), static_cast<int>(number));
        }
  }

  void check_whole() {
    for (std::size_t track = 0; track < stage_.tracks().size(); ++track) {
      const TrackListing& listing = stage_.tracks()[track];
      if (listing.dropped_at || window_ > 0)
        continue;
      require_often(listing.segments.size() == lengths_[track], "seed %d: %s has %zu segments",
                    static_cast<int>(seed_), listing.track.id.c_str(), listing.segments.size());
    }
  }

  const std::uint64_t seed_;
  Random random_;
  std::size_t window_ = 0;
  Stage stage_;
  std::vector<std::uint64_t> lengths_;  // Of the tracks, in segments.
  std::vector<Upload> uploads_;
  std::set<std::pair<std::size_t, std::uint64_t>> stored_;
  bool finished_ = false;
};

}  // namespace

GST_START_TEST(test_random_orders) {
  for (std::uint64_t seed = 0; seed < 150; ++seed)
    Run(seed).play();
}
GST_END_TEST

static Suite* publication_random_suite() {
  Suite* suite = suite_create("publication_random");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_random_orders);
  return suite;
}

GST_CHECK_MAIN(publication_random)
