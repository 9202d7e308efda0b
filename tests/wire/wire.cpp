// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/wire/wire.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "tests/common/support.h"

namespace {

using namespace dist;
using namespace dist::test;
using wire::Message;

// As nonces and as digests: 32 bytes that count up.
std::array<std::uint8_t, 32> count_from(std::uint8_t first) {
  std::array<std::uint8_t, 32> bytes = {};
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(first + i);
  return bytes;
}

wire::Digest digest(const char* text) {
  const Data data = unhex(text);
  wire::Digest bytes = {};
  std::copy(data.begin(), data.end(), bytes.begin());
  return bytes;
}

// What the secret "film" makes of Hello and Challenge below.
constexpr char kWorkerProof[] =
    "f5 96 0c 30 09 07 4d 22 23 fb b0 18 3f ae 8f e8 76 69 5a 36 16 4a ad b6 f4 3e d5 7b 2f 2a 53 "
    "f1";
constexpr char kPrimaryProof[] =
    "d4 f1 27 9a b1 d4 ce 74 9d 0b 32 ee 4f 05 62 51 2f ab ec 9e 9e 49 fe a6 c3 e9 93 01 9b 11 35 "
    "f1";

constexpr std::uint8_t kSomeBytes[] = {0xde, 0xad};

// One of each that it can list.
FarmStatus some_status() {
  FarmStatus status;
  status.jobs.push_back({.id = 1,
                         .finished = true,
                         .elapsed = 9'000'000'000,
                         .done = 5,
                         .leased = 2,
                         .queued = 3,
                         .frames = 125,
                         .failures = 1,
                         .hedges = 4,
                         .renditions = {{"hd", "x264enc"}}});
  status.workers.push_back({.id = 6,
                            .name = "box",
                            .address = "[::1]:9",
                            .capacity = 2,
                            .connected = 8'000'000'000,
                            .working = 7'000'000'000,
                            .suspended = 1'000'000'000,
                            .results = 5,
                            .frames = 125,
                            .failures = 1,
                            .leases = {{1, 41, 2, 3'000'000'000}}});
  status.all_workers = 10;
  status.failures.push_back({1, 41, 1, 4'000'000'000, "box", "stuck"});
  return status;
}

// One of each, and the bytes that docs/design/wire.md gives for it.
struct Golden {
  const char* name;
  Message message;
  const char* bytes;
};

std::vector<Golden> golden_messages() {
  return {
      {"Hello", wire::Hello{1, 1, 2, count_from(0), "box"},
       "01 00 00 00 31 00 00 00 47 44 53 54 01 00 01 00 02 00 00 01 02 03 04 05 06 07 08 09 0a 0b "
       "0c 0d 0e 0f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f 03 00 00 00 62 6f 78"},
      {"Challenge", wire::Challenge{1, true, count_from(32)},
       "0b 00 00 00 24 00 00 00 01 00 01 00 20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f 30 31 "
       "32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f"},
      {"Proof", wire::Proof{digest(kWorkerProof)},
       "0c 00 00 00 20 00 00 00 f5 96 0c 30 09 07 4d 22 23 fb b0 18 3f ae 8f e8 76 69 5a 36 16 4a "
       "ad b6 f4 3e d5 7b 2f 2a 53 f1"},
      {"Welcome", wire::Welcome{digest(kPrimaryProof)},
       "02 00 00 00 20 00 00 00 d4 f1 27 9a b1 d4 ce 74 9d 0b 32 ee 4f 05 62 51 2f ab ec 9e 9e 49 "
       "fe a6 c3 e9 93 01 9b 11 35 f1"},
      {"Refuse", wire::Refuse{1, 1, "no"}, "03 00 00 00 0a 00 00 00 01 00 01 00 02 00 00 00 6e 6f"},
      {"Lease", wire::Grant{7, 41, 2, 1500000, count_from(0), "a:h264"},
       "04 00 00 00 46 00 00 00 07 00 00 00 00 00 00 00 29 00 00 00 00 00 00 00 02 00 00 00 "
       "60 e3 16 00 00 00 00 00 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14 15 "
       "16 17 18 19 1a 1b 1c 1d 1e 1f 06 00 00 00 61 3a 68 32 36 34"},
      {"ResultPart", wire::ResultPart{7, 0, 2, 90000, count_from(0)},
       "05 00 00 00 34 00 00 00 07 00 00 00 00 00 00 00 00 00 02 00 90 5f 01 00 00 00 00 00 "
       "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c "
       "1d 1e 1f"},
      {"Fail", wire::Fail{7, "stuck"},
       "06 00 00 00 11 00 00 00 07 00 00 00 00 00 00 00 05 00 00 00 73 74 75 63 6b"},
      {"Cancel", wire::Cancel{7}, "07 00 00 00 08 00 00 00 07 00 00 00 00 00 00 00"},
      {"Done", wire::Done{"bye"}, "08 00 00 00 07 00 00 00 03 00 00 00 62 79 65"},
      {"Leave", wire::Leave{}, "09 00 00 00 00 00 00 00"},
      {"Data", wire::Data{7, kSomeBytes}, "0a 00 00 00 0a 00 00 00 07 00 00 00 00 00 00 00 de ad"},
      {"Heartbeat", wire::Heartbeat{}, "0d 00 00 00 00 00 00 00"},
      {"Progress", wire::Progress{7, 1500000, 25, 24},
       "0e 00 00 00 18 00 00 00 07 00 00 00 00 00 00 00 60 e3 16 00 00 00 00 00 19 00 00 00 "
       "18 00 00 00"},
      {"Job", wire::Want{7, "a:h264"},
       "0f 00 00 00 12 00 00 00 07 00 00 00 00 00 00 00 06 00 00 00 61 3a 68 32 36 34"},
      {"Offer", wire::Offer{7, {{true, "x264enc", "", "1.22"}, {false, "", "no"}}},
       "10 00 00 00 33 00 00 00 07 00 00 00 00 00 00 00 02 00 01 00 07 00 00 00 78 32 36 34 65 6e "
       "63 00 00 00 00 04 00 00 00 31 2e 32 32 00 00 00 00 00 00 02 00 00 00 6e 6f 00 00 00 00"},
      {"Retire", wire::Retire{{7, 9}},
       "11 00 00 00 12 00 00 00 02 00 07 00 00 00 00 00 00 00 09 00 00 00 00 00 00 00"},
      {"StatusRequest", wire::StatusRequest{}, "12 00 00 00 00 00 00 00"},
      {"StatusReport", wire::StatusReport{some_status()},
       "13 00 00 00 f5 00 00 00 01 00 01 00 00 00 00 00 00 00 01 00 00 1a 71 18 02 00 00 00 05 00 "
       "00 00 00 00 00 00 02 00 00 00 00 00 00 00 03 00 00 00 00 00 00 00 7d 00 00 00 00 00 00 00 "
       "01 00 00 00 00 00 00 00 04 00 00 00 00 00 00 00 01 00 02 00 00 00 68 64 07 00 00 00 78 32 "
       "36 34 65 6e 63 01 00 06 00 00 00 00 00 00 00 03 00 00 00 62 6f 78 07 00 00 00 5b 3a 3a 31 "
       "5d 3a 39 02 00 00 50 d6 dc 01 00 00 00 00 86 3b a1 01 00 00 00 00 ca 9a 3b 00 00 00 00 05 "
       "00 00 00 00 00 00 00 7d 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 01 00 01 00 00 00 00 "
       "00 00 00 29 00 00 00 00 00 00 00 02 00 00 00 00 5e d0 b2 00 00 00 00 0a 00 00 00 01 00 01 "
       "00 00 00 00 00 00 00 29 00 00 00 00 00 00 00 01 00 00 00 00 28 6b ee 00 00 00 00 03 00 00 "
       "00 62 6f 78 05 00 00 00 73 74 75 63 6b"},
  };
}

// The one message in these bytes; nothing if they are not a complete frame.
Result<std::optional<Message>> decode(std::span<const std::uint8_t> bytes) {
  static wire::FrameReader reader;
  reader = wire::FrameReader();
  reader.feed(bytes);
  const auto frame = reader.next();
  if (!frame)
    return Error{frame.error()};
  if (!*frame)
    return std::optional<Message>();
  auto message = wire::decode(**frame);
  if (!message)
    return Error{message.error()};
  return std::optional<Message>(std::move(*message));
}

Data frame(std::uint16_t type, std::span<const std::uint8_t> body) {
  ByteWriter out;
  out.u16(type);
  out.u16(0);
  out.u32(static_cast<std::uint32_t>(body.size()));
  out.bytes(body);
  return out.take();
}

}  // namespace

GST_START_TEST(test_wire_messages_have_the_golden_bytes) {
  for (const Golden& golden : golden_messages()) {
    fail_unless_equals_hex(wire::encode(golden.message).span(), unhex(golden.bytes));
    const auto decoded = decode(unhex(golden.bytes));
    fail_unless_ok(decoded);
    fail_unless(decoded->has_value(), "%s", golden.name);
    fail_unless((*decoded)->index() == golden.message.index(), "%s", golden.name);
    fail_unless_equals_hex(wire::encode(**decoded).span(), unhex(golden.bytes));
  }
}
GST_END_TEST

// As the document says: over the role, with its final zero, and the two frames.
GST_START_TEST(test_wire_golden_proofs_are_those_of_the_golden_greeting) {
  const struct {
    const char* role;
    const char* digest;
  } rows[] = {{"gst-dist worker", kWorkerProof}, {"gst-dist primary", kPrimaryProof}};
  const auto messages = golden_messages();
  for (const auto& row : rows) {
    Data input = to_data(as_bytes(row.role));
    input.push_back(0);
    for (const Golden& golden : {messages[0], messages[1]})
      for (std::uint8_t byte : unhex(golden.bytes))
        input.push_back(byte);
    fail_unless_equals_hex(hmac_sha256("film", {Bytes::take(std::move(input))}), unhex(row.digest));
  }
}
GST_END_TEST

// Every number is read from where it was written.
GST_START_TEST(test_wire_fields_come_back) {
  const wire::Hello hello{1, 2, 3, count_from(7), "größe"};
  const wire::Challenge challenge{6, false, count_from(9)};
  const wire::Refuse refuse{4, 5, ""};
  const wire::Grant lease{UINT64_MAX, 2, UINT32_MAX, 4, count_from(7)};
  const wire::ResultPart part{1, 65534, 65535, UINT64_MAX, count_from(0)};
  const wire::Progress progress{1, UINT64_MAX, UINT32_MAX, 2};
  const auto read = [](const Message& message) { return **decode(wire::encode(message).span()); };
  fail_unless(std::get<wire::Hello>(read(hello)) == hello);
  fail_unless(std::get<wire::Challenge>(read(challenge)) == challenge);
  fail_unless(std::get<wire::Refuse>(read(refuse)) == refuse);
  fail_unless(std::get<wire::Grant>(read(lease)) == lease);
  fail_unless(std::get<wire::ResultPart>(read(part)) == part);
  fail_unless(std::get<wire::Progress>(read(progress)) == progress);
}
GST_END_TEST

GST_START_TEST(test_wire_document_has_the_golden_bytes) {
  const char* root = std::getenv("DIST_SOURCE_ROOT");
  fail_unless(root != nullptr, "DIST_SOURCE_ROOT is not set");
  std::ifstream file(std::string(root) + "/docs/design/wire.md");
  // However it breaks the lines.
  std::string document;
  for (std::string word; file >> word;)
    document += word + " ";
  for (const Golden& golden : golden_messages())
    fail_unless(contains(document, golden.bytes), "%s: %s", golden.name, golden.bytes);
}
GST_END_TEST

GST_START_TEST(test_wire_truncated_frames_wait_for_more) {
  for (const Golden& golden : golden_messages()) {
    const Data bytes = unhex(golden.bytes);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const auto decoded = decode(std::span(bytes).first(size));
      fail_unless_ok(decoded);
      fail_if(decoded->has_value(), "%s of %zu bytes", golden.name, size);
    }
  }
}
GST_END_TEST

// A body that ends too early, or goes on, in a frame that says so.
GST_START_TEST(test_wire_bodies_of_the_wrong_size_are_refused) {
  for (const Golden& golden : golden_messages()) {
    // Data is as long as its frame.
    if (std::holds_alternative<wire::Data>(golden.message))
      continue;
    const Data bytes = unhex(golden.bytes);
    const Data body(bytes.begin() + wire::kFrameHeader, bytes.end());
    for (std::size_t size = 0; size < body.size(); ++size)
      fail_unless_error(decode(frame(bytes[0], std::span(body).first(size))), "malformed",
                        golden.name);
    Data longer = body;
    longer.push_back(0);
    fail_unless_error(decode(frame(bytes[0], longer)), "malformed", golden.name);
  }
  fail_unless_error(decode(frame(10, Data(7))), "malformed", "Data without a lease");
}
GST_END_TEST

// What is accepted has exactly one meaning: it is written back as it came.
GST_START_TEST(test_wire_byte_flips_are_refused_or_mean_something) {
  for (const Golden& golden : golden_messages()) {
    const Data good = unhex(golden.bytes);
    Data bytes = good;
    for (std::size_t at = 0; at < good.size(); ++at) {
      for (unsigned value = 0; value < 256; ++value) {
        bytes[at] = static_cast<std::uint8_t>(value);
        const auto decoded = decode(bytes);
        if (!decoded || !*decoded || std::holds_alternative<std::monostate>(**decoded))
          continue;
        const Bytes again = wire::encode(**decoded);
        // A shorter length leaves bytes over.
        fail_unless(again.size() <= bytes.size(), "%s, byte %zu", golden.name, at);
        fail_unless_equals_hex(again.span(), std::span(bytes).first(again.size()));
      }
      bytes[at] = good[at];
    }
  }
}
GST_END_TEST

GST_START_TEST(test_wire_refuses_what_no_sender_writes) {
  const struct {
    const char* what;
    const char* bytes;
    const char* error;
  } rows[] = {
      {"type 0", "00 00 00 00 00 00 00 00", "not the gst-dist protocol"},
      {"a reserved bit", "02 00 00 80 02 00 00 00 01 00", "not the gst-dist protocol"},
      {"a web browser", "47 45 54 20 2f 20 48 54 54 50 2f 31", "not the gst-dist protocol"},
      {"Hello of something else",
       "01 00 00 00 2e 00 00 00 47 44 53 55 01 00 01 00 02 00 00 01 02 03 04 05 06 07 08 09 0a 0b "
       "0c 0d 0e 0f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f 00 00 00 00",
       "message of type 1: malformed"},
      {"a challenge that neither asks nor does not",
       "0b 00 00 00 24 00 00 00 01 00 02 00 20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f 30 31 "
       "32 33 34 35 36 37 38 39 3a 3b 3c 3d 3e 3f",
       "message of type 11: malformed"},
      {"part 2 of 2",
       "05 00 00 00 34 00 00 00 07 00 00 00 00 00 00 00 02 00 02 00 90 5f 01 00 00 00 00 00 "
       "00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 10 11 12 13 14 15 16 17 18 19 1a 1b 1c "
       "1d 1e 1f",
       "message of type 5: malformed"},
      {"an ability that is neither",
       "10 00 00 00 14 00 00 00 07 00 00 00 00 00 00 00 01 00 02 00 00 00 00 00 00 00 00 00",
       "message of type 16: malformed"},
      {"more abilities than renditions", "10 00 00 00 0a 00 00 00 07 00 00 00 00 00 00 00 21 00",
       "message of type 16: malformed"},
      {"more leases kept than a worker holds", "11 00 00 00 02 00 00 00 41 00",
       "message of type 17: malformed"},
      {"a text that is not UTF-8", "08 00 00 00 05 00 00 00 01 00 00 00 ff",
       "message of type 8: malformed"},
  };
  for (const auto& row : rows)
    fail_unless_error(decode(unhex(row.bytes)), row.error, row.what);
}
GST_END_TEST

// The header alone decides: there is no need to wait for a body, or to make room for it.
GST_START_TEST(test_wire_refuses_long_bodies_by_their_header) {
  for (std::uint32_t length : {std::uint32_t{wire::kMaxBody} + 1, UINT32_MAX}) {
    for (std::uint16_t type : {std::uint16_t{10}, std::uint16_t{999}}) {
      ByteWriter out;
      out.u16(type);
      out.u16(0);
      out.u32(length);
      fail_unless_error(decode(out.take()), std::to_string(length) + " bytes, the limit is 1048584",
                        "length");
    }
  }
  const Data largest(wire::kMaxBody);
  const auto decoded = decode(frame(10, largest));
  fail_unless_ok(decoded);
  fail_unless_equals_uint64(std::get<wire::Data>(**decoded).bytes.size(), wire::kMaxChunk);
}
GST_END_TEST

GST_START_TEST(test_wire_limit_of_bodies_can_be_lowered) {
  wire::FrameReader reader(wire::kMaxGreetingBody);
  reader.feed(frame(999, Data(wire::kMaxGreetingBody)));
  const auto longest = reader.next();
  fail_unless_ok(longest);
  fail_unless(longest->has_value());
  const Data longer = frame(999, Data(wire::kMaxGreetingBody + 1));
  reader.feed(std::span(longer).first(wire::kFrameHeader));
  fail_unless_error(reader.next(), "type 999: 513 bytes, the limit is 512", "513 bytes");
  // Until more is allowed.
  reader.set_max_body(wire::kMaxGreetingBody + 1);
  const auto waiting = reader.next();
  fail_unless_ok(waiting);
  fail_if(waiting->has_value());
}
GST_END_TEST

GST_START_TEST(test_wire_names_are_short) {
  const std::string most(wire::kMaxName - 1, 'x');
  const struct {
    std::string name;
    std::string sent;
  } rows[] = {{most + "y", most + "y"}, {most + "yz", most + "y"}, {most + "ä", most}};
  for (const auto& row : rows) {
    const Bytes bytes = wire::encode(wire::Hello{1, 1, 1, {}, row.name});
    fail_unless(bytes.size() <= wire::kFrameHeader + wire::kMaxGreetingBody);
    const auto decoded = decode(bytes.span());
    fail_unless_ok(decoded);
    fail_unless_equals_text(std::get<wire::Hello>(**decoded).name, row.sent);
  }
  ByteWriter body;
  body.bytes(to_data(wire::encode(wire::Hello{}).span().subspan(wire::kFrameHeader, 42)));
  body.string(std::string(wire::kMaxName + 1, 'x'));
  fail_unless_error(decode(frame(1, body.take())), "message of type 1: malformed", "257 bytes");
}
GST_END_TEST

// As long as it can be it is a message still, and what is beyond that is cut off.
GST_START_TEST(test_wire_largest_status_fits) {
  const std::string text(5000, 'x');
  FarmStatus status;
  const FarmStatus::JobStatus job{.id = 1,
                                  .renditions = std::vector(40, FarmStatus::Rendition{text, text})};
  status.jobs.assign(FarmStatus::kMaxJobs + 1, job);
  const FarmStatus::WorkerStatus worker{
      .name = text, .address = text, .leases = std::vector(64, FarmStatus::LeaseStatus{})};
  status.workers.assign(FarmStatus::kMaxWorkers + 1, worker);
  status.failures.assign(FarmStatus::kMaxFailures + 1, {1, 2, 3, 4, text, text});
  const Bytes bytes = wire::encode(wire::StatusReport{status});
  fail_unless(bytes.size() <= wire::kFrameHeader + wire::kMaxBody, "%zu bytes", bytes.size());
  const auto decoded = decode(bytes.span());
  fail_unless_ok(decoded);
  const FarmStatus& sent = std::get<wire::StatusReport>(**decoded).status;
  fail_unless_equals_uint64(sent.jobs.size(), FarmStatus::kMaxJobs);
  fail_unless_equals_uint64(sent.jobs[0].renditions.size(), kMaxRenditions);
  fail_unless_equals_uint64(sent.workers.size(), FarmStatus::kMaxWorkers);
  fail_unless_equals_uint64(sent.workers[0].leases.size(), FarmStatus::kMaxLeases);
  fail_unless_equals_uint64(sent.workers[0].address.size(), FarmStatus::kMaxAddress);
  fail_unless_equals_uint64(sent.failures.size(), FarmStatus::kMaxFailures);
  fail_unless_equals_uint64(sent.failures[0].reason.size(), FarmStatus::kMaxReason);
}
GST_END_TEST

// All of them are there, and yet they are too many.
GST_START_TEST(test_wire_refuses_long_lists_of_a_status) {
  const auto report = [](std::size_t jobs, std::size_t workers, std::size_t failures) {
    const auto zeros = [](std::size_t count, std::size_t size) { return Data(count * size); };
    ByteWriter body;
    body.u16(static_cast<std::uint16_t>(jobs));
    body.bytes(zeros(jobs, 68));
    body.u16(static_cast<std::uint16_t>(workers));
    body.bytes(zeros(workers, 68));
    body.u32(0);
    body.u16(static_cast<std::uint16_t>(failures));
    body.bytes(zeros(failures, 36));
    return decode(frame(19, body.take()));
  };
  constexpr std::size_t kJobs = FarmStatus::kMaxJobs;
  constexpr std::size_t kWorkers = FarmStatus::kMaxWorkers;
  constexpr std::size_t kFailures = FarmStatus::kMaxFailures;
  fail_unless_ok(report(kJobs, kWorkers, kFailures));
  fail_unless_error(report(kJobs + 1, 0, 0), "malformed", "jobs");
  fail_unless_error(report(0, kWorkers + 1, 0), "malformed", "workers");
  fail_unless_error(report(0, 0, kFailures + 1), "malformed", "failures");
}
GST_END_TEST

GST_START_TEST(test_wire_refuses_long_texts) {
  for (std::size_t size : {wire::kMaxText, wire::kMaxText + 1}) {
    ByteWriter body;
    body.string(std::string(size, 'x'));
    const auto decoded = decode(frame(8, body.take()));
    fail_unless(static_cast<bool>(decoded) == (size <= wire::kMaxText), "%zu bytes", size);
  }
}
GST_END_TEST

GST_START_TEST(test_wire_clips_long_texts_between_characters) {
  const std::string most(wire::kMaxText - 1, 'x');
  const struct {
    std::string text;
    std::string sent;
  } rows[] = {
      {most + "y", most + "y"}, {most + "yz", most + "y"}, {most + "ä", most}, {most + "€€", most}};
  for (const auto& row : rows) {
    const auto decoded = decode(wire::encode(wire::Done{row.text}).span());
    fail_unless_ok(decoded);
    fail_unless(std::get<wire::Done>(**decoded).reason == row.sent);
  }
}
GST_END_TEST

GST_START_TEST(test_wire_skips_types_of_later_versions) {
  constexpr std::uint16_t kTypes[] = {20, 999, 65535};
  for (std::uint16_t type : kTypes) {
    const auto decoded = decode(frame(type, unhex("01 02 03")));
    fail_unless_ok(decoded);
    fail_unless(std::holds_alternative<std::monostate>(**decoded), "%u", type);
  }
}
GST_END_TEST

GST_START_TEST(test_wire_reader_cuts_anywhere) {
  Data stream;
  for (const Golden& golden : golden_messages()) {
    const Data bytes = unhex(golden.bytes);
    stream.insert(stream.end(), bytes.begin(), bytes.end());
  }
  for (std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{7}, stream.size()}) {
    wire::FrameReader reader;
    Data again;
    for (std::size_t at = 0; at < stream.size(); at += step) {
      reader.feed(std::span(stream).subspan(at, std::min(step, stream.size() - at)));
      while (true) {
        const auto next = reader.next();
        fail_unless_ok(next);
        if (!*next)
          break;
        const auto message = wire::decode(**next);
        fail_unless_ok(message);
        const Data bytes = to_data(wire::encode(*message).span());
        again.insert(again.end(), bytes.begin(), bytes.end());
      }
    }
    fail_unless_equals_hex(again, stream);
  }
}
GST_END_TEST

GST_START_TEST(test_wire_data_header_goes_before_its_bytes) {
  Data bytes = to_data(wire::encode_data_header(7, 2).span());
  bytes.insert(bytes.end(), std::begin(kSomeBytes), std::end(kSomeBytes));
  fail_unless_equals_hex(bytes, wire::encode(wire::Data{7, kSomeBytes}).span());
}
GST_END_TEST

static Suite* wire_suite() {
  Suite* suite = suite_create("wire");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_wire_messages_have_the_golden_bytes);
  tcase_add_test(tcase, test_wire_golden_proofs_are_those_of_the_golden_greeting);
  tcase_add_test(tcase, test_wire_fields_come_back);
  tcase_add_test(tcase, test_wire_document_has_the_golden_bytes);
  tcase_add_test(tcase, test_wire_truncated_frames_wait_for_more);
  tcase_add_test(tcase, test_wire_bodies_of_the_wrong_size_are_refused);
  tcase_add_test(tcase, test_wire_byte_flips_are_refused_or_mean_something);
  tcase_add_test(tcase, test_wire_refuses_what_no_sender_writes);
  tcase_add_test(tcase, test_wire_refuses_long_bodies_by_their_header);
  tcase_add_test(tcase, test_wire_limit_of_bodies_can_be_lowered);
  tcase_add_test(tcase, test_wire_names_are_short);
  tcase_add_test(tcase, test_wire_largest_status_fits);
  tcase_add_test(tcase, test_wire_refuses_long_lists_of_a_status);
  tcase_add_test(tcase, test_wire_refuses_long_texts);
  tcase_add_test(tcase, test_wire_clips_long_texts_between_characters);
  tcase_add_test(tcase, test_wire_skips_types_of_later_versions);
  tcase_add_test(tcase, test_wire_reader_cuts_anywhere);
  tcase_add_test(tcase, test_wire_data_header_goes_before_its_bytes);
  return suite;
}

GST_CHECK_MAIN(wire)
