// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/av/av_packet.h"

#include <algorithm>

extern "C" {
#include <libavcodec/bsf.h>
}

namespace dist {

std::string text_of_error(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof text);
  return text;
}

Packet packet_of(std::span<const std::uint8_t> head, std::span<const std::uint8_t> bytes) {
  Packet packet(av_packet_alloc());
  if (!packet || av_new_packet(packet.get(), static_cast<int>(head.size() + bytes.size())) < 0)
    return nullptr;
  std::ranges::copy(bytes, std::ranges::copy(head, packet->data).out);
  return packet;
}

void take_extradata(AVCodecParameters* parameters, const AVPacket* first) {
  if (parameters->codec_id != AV_CODEC_ID_AV1 || parameters->extradata_size > 0)
    return;
  AVBSFContext* filter = nullptr;
  if (av_bsf_alloc(av_bsf_get_by_name("extract_extradata"), &filter) < 0)
    return;
  const Packet packet(av_packet_clone(first));
  std::size_t size = 0;
  if (packet && avcodec_parameters_copy(filter->par_in, parameters) >= 0 &&
      av_bsf_init(filter) >= 0 && av_bsf_send_packet(filter, packet.get()) >= 0 &&
      av_bsf_receive_packet(filter, packet.get()) >= 0)
    if (const auto* const head =
            av_packet_get_side_data(packet.get(), AV_PKT_DATA_NEW_EXTRADATA, &size)) {
      parameters->extradata =
          static_cast<std::uint8_t*>(av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE));
      std::copy_n(head, size, parameters->extradata);
      parameters->extradata_size = static_cast<int>(size);
    }
  av_bsf_free(&filter);
}

}  // namespace dist
