// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Decodes the beginning of a segment to look at its frames. What is decoded may come from anybody.
#pragma once

#include <gst/gst.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gst/base/bytes.h"
#include "gst/base/mutex.h"
#include "gst/base/result.h"
#include "gst/cut/segment.h"
#include "gst/gstx/ref.h"
#include "gst/picture/frame_look.h"

namespace dist {

struct SegmentLook {
  std::vector<FrameLook> frames;  // Ascending times, exactly those of the segment's header.
  double aspect = 0;  // Width by height of the picture as it is shown; 0 without frames.
};

struct LookOptions {
  // The last frame that is looked at is the one presented at this time, or the last one before it.
  // kNoTime: the whole segment.
  Time until = kNoTime;
  // A decoder that takes longer has failed. Of a rendition it may also use only so much processor
  // time as its pixels need, so that an answer made to be slow holds up no others.
  Time time_limit = 30 * kSecond;
  // SegmentLook::aspect of the source. Frames of a rendition that have another one are looked at
  // without the black borders that fill them up. 0: no borders.
  double aspect = 0;
};

// Errors begin with the segment and, if it is one, the rendition: "segment 41, rendition '720p':
// …". Of a rendition every frame up to `until` has to come out of the decoder, in the size that its
// caps say; of a source, which may be damaged, those that come.
class SegmentLooker {
 public:
  SegmentLooker() = default;
  // Waits for a decoder that has overrun its time, but not for long.
  ~SegmentLooker();
  SegmentLooker(const SegmentLooker&) = delete;
  SegmentLooker& operator=(const SegmentLooker&) = delete;

  // A segment with its header, see segment_buffer.h. One call at a time.
  Result<SegmentLook> look(GstBuffer* segment, const LookOptions& options);
  Result<SegmentLook> look(const BytesList& segment, const LookOptions& options);

  // The frame that look() with these options looks at last, as a JPEG at most 320 pixels wide. One
  // call at a time.
  Result<std::vector<std::uint8_t>> picture(GstBuffer* segment, const LookOptions& options);
  Result<std::vector<std::uint8_t>> picture(const BytesList& segment, const LookOptions& options);

  // From any thread: what runs, and what is called later, ends with an error.
  void cancel();

 private:
  class Work;
  // Decodes in the thread, with a limit on time. `keep`: the last frame itself.
  Result<std::shared_ptr<Work>> run(GstBuffer* segment, const LookOptions& options, bool keep);
  Status leave_last();
  Status await(Work& work, const LookOptions& options);

  Mutex lock_;
  bool cancelled_ GUARDED_BY(lock_) = false;
  std::shared_ptr<Work> work_ GUARDED_BY(lock_);  // The last one; its thread may still run.
  std::thread thread_;
  std::vector<std::shared_ptr<Work>> stuck_;  // Their threads are nobody's.
};

}  // namespace dist
