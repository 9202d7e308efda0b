// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/car_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "gst/record/car.h"
#include "tests/common/support.h"
#include "tests/common/temporary_folder.h"

namespace {

using namespace dist;
using namespace dist::test;

constexpr std::size_t kMiB = 1u << 20;

}  // namespace

// A pipe that nobody reads stands for a disk that does not answer.
GST_START_TEST(test_car_file_tells_its_status_while_it_writes) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/job.car";
  fail_unless(::mkfifo(path.c_str(), 0600) == 0);
  FileDescriptor reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  CarFileWriter car(path, "job.car");
  fail_unless(::fcntl(reader.get(), F_SETFL, 0) == 0);
  const auto read = [&](std::size_t size) {
    Data piece(size);
    return ::read(reader.get(), piece.data(), size);
  };
  const std::size_t header = record::car_header({}).size();
  fail_unless_equals_uint64(static_cast<std::uint64_t>(read(header)), header);
  std::thread writer([&] {
    const Status put = car.put(record::make_block(record::Codec::kRaw, Bytes::take(Data(kMiB))));
    fail_unless_error(put, "job.car: cannot be written: Broken pipe", "put");
  });
  // Now it writes, and has not room enough to end.
  fail_unless_equals_uint64(static_cast<std::uint64_t>(read(1)), 1);
  fail_unless_ok(car.status());
  reader = FileDescriptor();
  writer.join();
  fail_unless_error(car.status(), "job.car: cannot be written: Broken pipe", "status");
}
GST_END_TEST

static Suite* car_file_suite() {
  Suite* const suite = suite_create("car_file");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_car_file_tells_its_status_while_it_writes);
  return suite;
}

int main(int argc, char** argv) {
  // The broken pipe is an error to the writer, not the end of the test.
  static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
  gst_check_init(&argc, &argv);
  return gst_check_run_suite(car_file_suite(), "car_file", __FILE__);
}
