// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/gstx/gather_memory.h"

#include <numeric>
#include <thread>

#include "tests/elements/helpers.h"

namespace {

using namespace test;

constexpr std::size_t kPartSize = 10;

// Twenty buffers, more than a GstBuffer can hold as memories, whose bytes count from 0 on.
std::vector<Ref<GstBuffer>> parts() {
  std::vector<Ref<GstBuffer>> list;
  std::vector<std::uint8_t> bytes(kPartSize);
  for (std::uint8_t i = 0; i < 20; ++i) {
    std::iota(bytes.begin(), bytes.end(), static_cast<std::uint8_t>(i * kPartSize));
    list.push_back(unit(bytes, 0, 0, 0));
  }
  return list;
}

Ref<GstMemory> gather(std::vector<Ref<GstBuffer>> list) {
  return Ref<GstMemory>::adopt(dist::gather_memory_new(std::move(list)));
}

void expect_counting(GstMemory* memory, std::size_t from, std::size_t size) {
  GstMapInfo map;
  fail_unless(gst_memory_map(memory, &map, GST_MAP_READ));
  expect_equal(map.size, size);
  for (std::size_t i = 0; i < size; ++i)
    expect_equal(map.data[i], from + i);
  gst_memory_unmap(memory, &map);
}

const std::uint8_t* address(GstBuffer* buffer) {
  return dist::BufferMap(buffer).span().data();
}

const std::uint8_t* address(GstMemory* memory) {
  GstMapInfo map;
  fail_unless(gst_memory_map(memory, &map, GST_MAP_READ));
  gst_memory_unmap(memory, &map);
  return map.data;
}

}  // namespace

GST_START_TEST(test_gather_memory_maps_as_one_run) {
  const auto memory = gather(parts());
  expect_equal(gst_memory_get_sizes(memory.get(), nullptr, nullptr), 20 * kPartSize);
  expect_counting(memory.get(), 0, 20 * kPartSize);
  expect_counting(memory.get(), 0, 20 * kPartSize);
}
GST_END_TEST

GST_START_TEST(test_gather_memory_holds_its_parts) {
  const auto list = parts();
  const auto memory = gather(list);
  const auto held = dist::gather_memory_parts(memory.get());
  expect_equal(held.size(), list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    fail_unless(held[i].get() == list[i].get());
    expect_equal(GST_MINI_OBJECT_REFCOUNT_VALUE(list[i].get()), 2);
  }
}
GST_END_TEST

GST_START_TEST(test_gather_memory_lets_go_of_its_parts) {
  const auto list = parts();
  gather(list);
  for (const auto& part : list)
    expect_equal(GST_MINI_OBJECT_REFCOUNT_VALUE(part.get()), 1);
}
GST_END_TEST

GST_START_TEST(test_gather_memory_share_of_a_part_does_not_copy) {
  const auto list = parts();
  const auto memory = gather(list);
  const auto shared = Ref<GstMemory>::adopt(gst_memory_share(memory.get(), 7 * kPartSize + 2, 5));
  fail_unless(address(shared.get()) == address(list[7].get()) + 2);
  expect_counting(shared.get(), 7 * kPartSize + 2, 5);
}
GST_END_TEST

GST_START_TEST(test_gather_memory_share_across_parts_is_right) {
  const auto memory = gather(parts());
  for (std::size_t from : {0u, 5u, 35u})
    for (std::size_t size : {11u, 40u, 100u}) {
      const auto shared = Ref<GstMemory>::adopt(
          gst_memory_share(memory.get(), static_cast<gssize>(from), static_cast<gssize>(size)));
      expect_counting(shared.get(), from, size);
    }
}
GST_END_TEST

GST_START_TEST(test_gather_memory_copy_is_right) {
  const auto memory = gather(parts());
  expect_counting(Ref<GstMemory>::adopt(gst_memory_copy(memory.get(), 0, -1)).get(), 0, 200);
  expect_counting(Ref<GstMemory>::adopt(gst_memory_copy(memory.get(), 15, 30)).get(), 15, 30);
}
GST_END_TEST

GST_START_TEST(test_gather_memory_cannot_be_written) {
  const auto memory = gather(parts());
  GstMapInfo map;
  fail_if(gst_memory_map(memory.get(), &map, GST_MAP_WRITE));
}
GST_END_TEST

GST_START_TEST(test_gather_memory_parts_of_anything_else_are_none) {
  const auto other = Ref<GstMemory>::adopt(gst_allocator_alloc(nullptr, 8, nullptr));
  fail_unless(dist::gather_memory_parts(other.get()).empty());
  const auto resized = gather(parts());
  gst_memory_resize(resized.get(), 5, 50);
  fail_unless(dist::gather_memory_parts(resized.get()).empty());
  expect_counting(resized.get(), 5, 50);
}
GST_END_TEST

GST_START_TEST(test_gather_memory_of_nothing_is_empty) {
  const auto memory = gather({});
  expect_equal(gst_memory_get_sizes(memory.get(), nullptr, nullptr), 0);
}
GST_END_TEST

GST_START_TEST(test_gather_memory_with_empty_parts_is_right) {
  auto list = parts();
  list.insert(list.begin() + 3, Ref<GstBuffer>::adopt(gst_buffer_new()));
  const auto memory = gather(list);
  expect_counting(memory.get(), 0, 200);
  expect_counting(Ref<GstMemory>::adopt(gst_memory_share(memory.get(), 25, 20)).get(), 25, 20);
}
GST_END_TEST

GST_START_TEST(test_gather_memory_can_be_mapped_by_two_threads) {
  const auto memory = gather(parts());
  std::thread other([&] { address(memory.get()); });
  expect_counting(memory.get(), 0, 200);
  other.join();
}
GST_END_TEST

static Suite* gather_memory_suite() {
  Suite* const suite = suite_create("gather_memory");
  TCase* const tests = tcase_create("all");
  suite_add_tcase(suite, tests);
  tcase_add_test(tests, test_gather_memory_maps_as_one_run);
  tcase_add_test(tests, test_gather_memory_holds_its_parts);
  tcase_add_test(tests, test_gather_memory_lets_go_of_its_parts);
  tcase_add_test(tests, test_gather_memory_share_of_a_part_does_not_copy);
  tcase_add_test(tests, test_gather_memory_share_across_parts_is_right);
  tcase_add_test(tests, test_gather_memory_copy_is_right);
  tcase_add_test(tests, test_gather_memory_cannot_be_written);
  tcase_add_test(tests, test_gather_memory_parts_of_anything_else_are_none);
  tcase_add_test(tests, test_gather_memory_of_nothing_is_empty);
  tcase_add_test(tests, test_gather_memory_with_empty_parts_is_right);
  tcase_add_test(tests, test_gather_memory_can_be_mapped_by_two_threads);
  return suite;
}

GST_CHECK_MAIN(gather_memory)
