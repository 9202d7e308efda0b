// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/film/mended_file.h"

#include <gst/app/gstappsrc.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace dist {
namespace {

constexpr std::size_t kBlock = 64 * 1024;

struct Reader {
  MendedFile file;
  std::uint64_t at = 0;
};

void give(GstAppSrc* source, guint wanted, gpointer data) {
  auto& reader = *static_cast<Reader*>(data);
  const std::string bytes =
      reader.file.read(reader.at, wanted == 0 || wanted == G_MAXUINT ? kBlock : wanted);
  if (bytes.empty() && reader.at < reader.file.size()) {
    GST_ELEMENT_ERROR(source, RESOURCE, READ, ("The file cannot be read any further."), (NULL));
    return;
  }
  if (bytes.empty()) {
    gst_app_src_end_of_stream(source);
    return;
  }
  GstBuffer* const buffer = gst_buffer_new_memdup(bytes.data(), bytes.size());
  GST_BUFFER_OFFSET(buffer) = reader.at;
  reader.at += bytes.size();
  GST_BUFFER_OFFSET_END(buffer) = reader.at;
  gst_app_src_push_buffer(source, buffer);
}

gboolean seek(GstAppSrc*, guint64 at, gpointer data) {
  static_cast<Reader*>(data)->at = at;
  return TRUE;
}

}  // namespace

MendedFile::MendedFile(const std::string& path, std::vector<Mend> mends)
    : file_(path, std::ios::binary | std::ios::ate), mends_(std::move(mends)) {
  if (!file_)
    return;
  size_ = static_cast<std::uint64_t>(file_.tellg());
  for (const Mend& mend : mends_)
    size_ += mend.bytes.size() - mend.replaced;
}

std::string MendedFile::read(std::uint64_t at, std::size_t count) {
  std::string bytes;
  // Each stretch of the file, and each mend, by where it begins here and where in the file.
  std::uint64_t here = 0;
  std::uint64_t there = 0;
  const auto take_file = [&](std::uint64_t length) {
    if (at < here + length && bytes.size() < count) {
      const std::uint64_t from = at - here;
      std::string part(
          static_cast<std::size_t>(std::min<std::uint64_t>(length - from, count - bytes.size())),
          '\0');
      file_.clear();
      file_.seekg(static_cast<std::streamoff>(there + from));
      file_.read(part.data(), static_cast<std::streamsize>(part.size()));
      part.resize(static_cast<std::size_t>(file_.gcount()));
      at += part.size();
      bytes += part;
    }
    here += length;
    there += length;
  };
  for (const Mend& mend : mends_) {
    take_file(mend.at - there);
    if (at >= here && at < here + mend.bytes.size() && bytes.size() < count) {
      const std::string part =
          mend.bytes.substr(static_cast<std::size_t>(at - here), count - bytes.size());
      at += part.size();
      bytes += part;
    }
    here += mend.bytes.size();
    there += mend.replaced;
  }
  if (size_ > here)
    take_file(size_ - here);
  return bytes;
}

void set_mended_source(GstElement* appsrc, const std::string& path,
                       const std::vector<Mend>& mends) {
  auto reader = std::make_unique<Reader>(Reader{MendedFile(path, mends)});
  g_object_set(appsrc, "stream-type", GST_APP_STREAM_TYPE_RANDOM_ACCESS, "format", GST_FORMAT_BYTES,
               "size", static_cast<gint64>(reader->file.size()), nullptr);
  GstAppSrcCallbacks callbacks{};
  callbacks.need_data = give;
  callbacks.seek_data = seek;
  gst_app_src_set_callbacks(GST_APP_SRC(appsrc), &callbacks, reader.release(),
                            [](gpointer data) { delete static_cast<Reader*>(data); });
}

}  // namespace dist
