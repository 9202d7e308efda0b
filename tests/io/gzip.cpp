// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/gzip.h"

#include "tests/io/store_helpers.h"

namespace {

using namespace dist;
using namespace dist::test;

}  // namespace

GST_START_TEST(test_content_comes_back) {
  for (const std::size_t size : {0, 1, 65'536, 300'000}) {
    const BytesList content = blob_of(7, size);
    const Bytes packed = gzip(content);
    fail_unless(is_gzip({packed}));
    fail_unless(to_data(packed.span()) == to_data(gzip(content).span()));
    const auto again = gunzip({packed}, size);
    fail_unless(again && to_data(again->span()) == to_data(content), "%zu", size);
    fail_if(size > 0 && gunzip({packed}, size - 1).has_value());
  }
  fail_if(is_gzip({}) || is_gzip(blob_of(1, 100)));
}
GST_END_TEST

GST_START_TEST(test_damage_is_found) {
  const Bytes packed = gzip(blob_of(7, 2'000));
  for (std::size_t size = 0; size < packed.size(); ++size)
    require_often(!gunzip({packed.slice(0, size)}, 1u << 20), "the first %zu bytes", size);
  // Of the head some bits mean nothing.
  for (std::size_t at = 10; at < packed.size(); ++at) {
    Data damaged = to_data(packed.span());
    damaged[at] ^= 0x10;
    const auto content = gunzip({Bytes::take(std::move(damaged))}, 1u << 20);
    require_often(!content, "byte %zu", at);
  }
}
GST_END_TEST

static Suite* gzip_suite() {
  Suite* suite = suite_create("gzip");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_content_comes_back);
  tcase_add_test(tcase, test_damage_is_found);
  return suite;
}

GST_CHECK_MAIN(gzip)
