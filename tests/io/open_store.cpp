// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/open_store.h"

#include <cstdlib>

#include "gst/io/http_client.h"
#include "gst/io/s3_client.h"
#include "gst/io/xml_texts.h"
#include "tests/io/store_helpers.h"

namespace {

using namespace dist;
using namespace dist::test;

std::vector<std::string> warnings;

StoreOptions options() {
  return {.check =
              [](const BlobKey& key, const BytesList& blob) {
                return sha256(blob) == key ? Status() : Status(Error{"damaged"});
              },
          .warn = [](const std::string& text) { warnings.push_back(text); }};
}

void clear_environment(const std::string& home) {
  for (const char* name :
       {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE",
        "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"})
    unsetenv(name);
  setenv("AWS_SHARED_CREDENTIALS_FILE", (home + "/credentials").c_str(), 1);
}

}  // namespace

GST_START_TEST(test_chain_of_folders) {
  const TemporaryFolder folder;
  const std::string fast = folder.path() + "/fast";
  const std::string slow = folder.path() + "/slow";
  const BytesList blob = blob_of(1, 100);
  const BlobKey key = sha256(blob);
  {
    auto store = open_store({slow}, options());
    fail_unless_ok(store);
    fail_unless_ok((*store)->put(key, blob, nullptr));
  }
  auto store = open_store({fast + ",file:" + slow}, options());
  fail_unless_ok(store);
  fail_unless(to_data(**(*store)->get(key, nullptr)) == to_data(blob));
  fail_unless_equals_uint64(files_in(fast + "/blobs"), 1);
  // One of the chain damaged is the other's turn.
  const std::string name = key_text(key);
  const std::string file = fast + "/blobs/" + name.substr(0, 2) + "/" + name.substr(2);
  fail_unless(g_file_set_contents(file.c_str(), "x", 1, nullptr));
  fail_unless(to_data(**(*store)->get(key, nullptr)) == to_data(blob));
  fail_unless_equals_int(static_cast<int>(warnings.size()), 1);
  fail_unless(contains(warnings[0], fast));
  fail_unless_ok(open_store({"file://" + fast + "," + slow + "@2"}, options()));
}
GST_END_TEST

GST_START_TEST(test_errors_say_what_to_do_and_no_secrets) {
  const TemporaryFolder folder;
  clear_environment(folder.path());
  const struct {
    const char* text;
    const char* error;
  } rows[] = {
      {"", "write a path"},
      {"/tmp,", "write a path"},
      {"ftp://ann:s3cret@host/x", "write a folder"},
      {"/proc/none", "/proc/none"},
      {"http://", "write http://HOST/FOLDER"},
      {"https://ann:s3cret@host/x?token=s3cret", "has a query"},
      {"s3://", "s3://BUCKET/PREFIX"},
      {"s3://films/x", "AWS_ACCESS_KEY_ID"},
      {"s3://ann:s3cret@films/x", "do not belong into a URL"},
      {"s3://KEY:s3/cret@films", "'s3://films': keys do not belong into a URL"},
      {"s3://KEY/s3cret@films", "do not belong into a URL"},
      {"s3://KEY:s3cret?s3cret@films", "s3://BUCKET/PREFIX"},
      {"http://ann:s3#cret@host", "'http://host': no such URL"},
      {"http://ann:s3/cret@host", "'http://host': no such URL"},
      {"http://ann:s3?cret@host", "no such URL"},
      {"http://ann:s3,cret@host", "as %2C"},
      {"http://ann:1,a,cret@host", "as %2C"},
      {"/tmp,http://ann:1,/cret@host", "as %2C"},
      {"http://ann:s3,ftp://cret@host", "as %2C"},
      {"s3://films?endpoint=http://ann:s3cret@host", "without user"},
      {"s3://films?endpoint=gopher://host", "endpoint"},
      {"s3://films?region=a:b", "region"},
      {"s3://films?style=s3cret", "'style'"},
      {"s3://films?colour=s3cret", "'colour'"},
  };
  for (const auto& row : rows) {
    const auto store = open_store({row.text}, options());
    fail_unless_error(store, row.error, row.text);
    fail_unless(store.failure().fault != StoreFault::kUnavailable, "%s", row.text);
    for (const char* secret : {"s3cret", "ann:", "KEY:", "s3/", "s3#", "s3,", "s3?", "cret@"})
      fail_if(contains(store.error(), secret), "%s: %s", row.text, store.error().c_str());
  }
  fail_unless_error(open_store({}, options()), "none", "nothing");
}
GST_END_TEST

GST_START_TEST(test_credentials_come_from_the_environment_or_the_file) {
  const TemporaryFolder folder;
  clear_environment(folder.path());
  const std::string file = folder.path() + "/credentials";
  fail_unless_error(find_s3_credentials(), file, "none");
  fail_unless(g_file_set_contents(file.c_str(),
                                  "[default]\naws_access_key_id = K1\naws_secret_access_key=S1\n"
                                  "\n[work]\naws_access_key_id=K2\naws_secret_access_key=S2\n"
                                  "aws_session_token=T2\n",
                                  -1, nullptr));
  fail_unless_equals_text(find_s3_credentials()->access_key, "K1");
  fail_unless_equals_text(find_s3_credentials()->secret_key, "S1");
  setenv("AWS_PROFILE", "work", 1);
  fail_unless_equals_text(find_s3_credentials()->session_token, "T2");
  setenv("AWS_PROFILE", "other", 1);
  fail_unless_error(find_s3_credentials(), "'other'", "profile");
  setenv("AWS_ACCESS_KEY_ID", "K3", 1);
  setenv("AWS_SECRET_ACCESS_KEY", "S3", 1);
  fail_unless_equals_text(find_s3_credentials()->secret_key, "S3");
  fail_unless_ok(open_store({"s3://films/x?region=eu-west-1"}, options()));
  fail_unless(g_file_set_contents(file.c_str(), "S4-no-ini", -1, nullptr));
  unsetenv("AWS_ACCESS_KEY_ID");
  const auto none = find_s3_credentials();
  fail_unless_error(none, "credentials", "no INI");
  fail_if(contains(none.error(), "S4"));
}
GST_END_TEST

GST_START_TEST(test_shown_url) {
  const char* const rows[][2] = {
      {"http://ann:pw@host:80/a?x=y#z", "http://host:80/a"},
      {"http://ann:pw@host/a@b", "http://b"},
      {"s3://KEY:SEC/RET@bucket", "s3://bucket"},
      {"http://u:pa#ss@h", "http://h"},
      {"http://u:p/w@h", "http://h"},
      {"http://u:p,w@h", "http://h"},
      {"http://u:p?w@h", "http://..."},
      {"http://h/x?token=a@b", "http://..."},
      {"https://a:b@c@host", "https://host"},
      {"s3://bucket/prefix?endpoint=x", "s3://bucket/prefix"},
      {"/a/folder", "/a/folder"},
      {"http://host/\n", "http://host/ "},
  };
  for (const auto& row : rows)
    fail_unless_equals_text(shown_url(row[0]), row[1]);
}
GST_END_TEST

GST_START_TEST(test_texts_of_xml) {
  const std::string text =
      "<?xml version=\"1.0\"?><R xmlns=\"u\"><A>x &amp; y</A><B><A/></B><C>1</C></R>";
  const auto texts = xml_texts(as_bytes(text));
  fail_unless_equals_int(static_cast<int>(texts.size()), 3);
  fail_unless_equals_text(texts[0].second, "x & y");
  fail_unless_equals_text(xml_text(as_bytes(text), "C"), "1");
  fail_unless_equals_text(xml_text(as_bytes(text), "D"), "");
  for (std::size_t size = 0; size < text.size(); ++size)
    fail_unless(xml_texts(as_bytes(std::string_view(text).substr(0, size))).empty());
}
GST_END_TEST

static Suite* open_store_suite() {
  Suite* suite = suite_create("open_store");
  TCase* tcase = tcase_create("general");
  suite_add_tcase(suite, tcase);
  tcase_add_test(tcase, test_chain_of_folders);
  tcase_add_test(tcase, test_errors_say_what_to_do_and_no_secrets);
  tcase_add_test(tcase, test_credentials_come_from_the_environment_or_the_file);
  tcase_add_test(tcase, test_shown_url);
  tcase_add_test(tcase, test_texts_of_xml);
  return suite;
}

GST_CHECK_MAIN(open_store)
