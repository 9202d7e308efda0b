// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <string_view>
#include <utility>

#include "gst/base/text.h"

namespace dist {
namespace {

constexpr std::uint64_t kMaxHeaders = 256u << 10;
constexpr unsigned kLongestPause = 5'000;

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

bool may_pass(long status) {
  return status == 429 || status == 500 || (status >= 502 && status <= 504);
}

bool may_pass(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_WEIRD_SERVER_REPLY:
      return true;
    default:
      return false;
  }
}

}  // namespace

// An easy handle, and the multi handle that runs it: only that one can be woken.
struct HttpClient::Connection {
  Connection() : multi(curl_multi_init()), easy(curl_easy_init()) {}
  ~Connection() {
    curl_easy_cleanup(easy);
    curl_multi_cleanup(multi);
  }
  CURLM* const multi;
  CURL* const easy;
};

// One request on one connection.
class HttpClient::Attempt {
 public:
  Attempt(const Config& config, const HttpRequest& request, Connection& connection)
      : request_(request), connection_(connection) {
    CURL* const easy = connection.easy;
    curl_easy_reset(easy);
    for (const std::string& header : request.headers)
      headers_.reset(curl_slist_append(headers_.release(), header.c_str()));
    curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers_.get());
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, text_);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(config.connect_timeout));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.timeout));
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, static_cast<long>(config.stall_timeout));
    // Servers that do not know "Expect" would let each large PUT wait for a second.
    curl_easy_setopt(easy, CURLOPT_EXPECT_100_TIMEOUT_MS, 50L);
    set_method(easy);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Attempt::on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Attempt::on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
    if (!config.signature.empty())
      curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, config.signature.c_str());
    if (!config.user.empty()) {
      curl_easy_setopt(easy, CURLOPT_USERNAME, config.user.c_str());
      curl_easy_setopt(easy, CURLOPT_PASSWORD, config.password.c_str());
    }
    curl_multi_add_handle(connection.multi, easy);
  }
  ~Attempt() { curl_multi_remove_handle(connection_.multi, connection_.easy); }

  CURLcode run(GCancellable* cancellable) const {
    int running = 1;
    while (running > 0 && !is_cancelled(cancellable)) {
      if (curl_multi_perform(connection_.multi, &running) != CURLM_OK)
        return CURLE_FAILED_INIT;
      if (running > 0)
        curl_multi_poll(connection_.multi, nullptr, 0, 1'000, nullptr);
    }
    int left = 0;
    const CURLMsg* const message = curl_multi_info_read(connection_.multi, &left);
    return message ? message->data.result : CURLE_ABORTED_BY_CALLBACK;
  }

  HttpResponse take_response() {
    curl_easy_getinfo(connection_.easy, CURLINFO_RESPONSE_CODE, &response_.status);
    response_.body = Bytes::take(std::move(body_));
    return std::move(response_);
  }
  std::string error_text(CURLcode code) const {
    if (too_large_)
      return "the answer is larger than " + std::to_string(max_body()) + " bytes";
    return *text_ != 0 ? text_ : curl_easy_strerror(code);
  }

 private:
  void set_method(CURL* easy) {
    const bool sends = request_.method == "PUT" || request_.method == "POST";
    if (sends) {
      curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
      curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE,
                       static_cast<curl_off_t>(total_size(request_.body)));
      curl_easy_setopt(easy, CURLOPT_READFUNCTION, &Attempt::on_read);
      curl_easy_setopt(easy, CURLOPT_READDATA, this);
      curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, &Attempt::on_seek);
      curl_easy_setopt(easy, CURLOPT_SEEKDATA, this);
    }
    if (request_.method == "HEAD")
      curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else if (request_.method != "GET" && request_.method != "PUT")
      curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  }

  static std::size_t on_read(char* out, std::size_t size, std::size_t count, void* data) {
    auto& self = *static_cast<Attempt*>(data);
    const BytesList& body = self.request_.body;
    while (self.piece_ < body.size() && self.offset_ == body[self.piece_].size()) {
      ++self.piece_;
      self.offset_ = 0;
    }
    if (self.piece_ == body.size())
      return 0;
    const auto rest = body[self.piece_].span().subspan(self.offset_);
    const std::size_t taken = std::min(rest.size(), size * count);
    std::memcpy(out, rest.data(), taken);
    self.offset_ += taken;
    return taken;
  }

  // Only back to the beginning: a kept connection was closed, and the request is sent again.
  static int on_seek(void* data, curl_off_t offset, int origin) {
    auto& self = *static_cast<Attempt*>(data);
    if (offset != 0 || origin != SEEK_SET)
      return CURL_SEEKFUNC_CANTSEEK;
    self.piece_ = 0;
    self.offset_ = 0;
    return CURL_SEEKFUNC_OK;
  }

  std::uint64_t max_body() const {
    long status = 0;
    curl_easy_getinfo(connection_.easy, CURLINFO_RESPONSE_CODE, &status);
    return status == 200 || status == 206 ? request_.max_body : kMaxHttpText;
  }

  static std::size_t on_body(char* in, std::size_t size, std::size_t count, void* data) {
    auto& self = *static_cast<Attempt*>(data);
    const std::size_t length = size * count;
    curl_off_t announced = 0;
    if (self.body_.empty())
      curl_easy_getinfo(self.connection_.easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
    const std::uint64_t limit = self.max_body();
    self.too_large_ =
        announced > static_cast<curl_off_t>(limit) || self.body_.size() + length > limit;
    if (self.too_large_)
      return 0;
    // Not more at once than a server that lies could make of it.
    if (announced > 0)
      self.body_.reserve(static_cast<std::size_t>(std::min<curl_off_t>(announced, 64 << 20)));
    self.body_.insert(self.body_.end(), in, in + length);
    return length;
  }

  static std::size_t on_header(char* in, std::size_t size, std::size_t count, void* data) {
    auto& self = *static_cast<Attempt*>(data);
    const std::string_view line(in, size * count);
    self.header_bytes_ += line.size();
    if (self.header_bytes_ > kMaxHeaders)
      return 0;
    // Those of "100 Continue" are not the response's.
    if (line.starts_with("HTTP/"))
      self.response_.headers.clear();
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos)
      return line.size();
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && g_ascii_isspace(value.front()))
      value.remove_prefix(1);
    while (!value.empty() && g_ascii_isspace(value.back()))
      value.remove_suffix(1);
    std::string name(line.substr(0, colon));
    std::ranges::transform(name, name.begin(), g_ascii_tolower);
    self.response_.headers[name] = value;
    return line.size();
  }

  const HttpRequest& request_;
  Connection& connection_;
  HeaderList headers_;
  std::size_t piece_ = 0;   // Of the body, which is sent next,
  std::size_t offset_ = 0;  // and where in it.
  std::size_t header_bytes_ = 0;
  std::vector<std::uint8_t> body_;
  bool too_large_ = false;
  HttpResponse response_;
  char text_[CURL_ERROR_SIZE] = {};
};

namespace {

// Wakes whoever polls when the cancellable is cancelled.
class Wake {
 public:
  Wake(GCancellable* cancellable, CURLM* multi) : cancellable_(cancellable) {
    if (cancellable)
      id_ = g_cancellable_connect(cancellable, G_CALLBACK(+[](GCancellable*, gpointer data) {
                                    curl_multi_wakeup(static_cast<CURLM*>(data));
                                  }),
                                  multi, nullptr);
  }
  ~Wake() {
    if (id_ != 0)
      g_cancellable_disconnect(cancellable_, id_);
  }
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;

 private:
  GCancellable* const cancellable_;
  gulong id_ = 0;
};

}  // namespace

HttpClient::HttpClient(Config config) : config_(std::move(config)) {
  static std::once_flag once;
  std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
}

HttpClient::~HttpClient() = default;

std::unique_ptr<HttpClient::Connection> HttpClient::take() {
  const MutexLock lock(lock_);
  if (idle_.empty())
    return std::make_unique<Connection>();
  auto connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

StoreResult<HttpResponse> HttpClient::send(const HttpRequest& request, GCancellable* cancellable) {
  const std::string subject = config_.subject + " " + shown_url(request.url) + ": ";
  auto connection = take();
  const Wake wake(cancellable, connection->multi);
  const bool reads = request.method == "GET" || request.method == "HEAD";
  const unsigned attempts = request.attempts > 0 ? request.attempts
                            : reads              ? config_.read_attempts
                                                 : config_.attempts;
  unsigned pause = config_.first_pause;
  StoreResult<HttpResponse> result = StoreError{subject + "not tried"};
  for (unsigned attempt = 1;; ++attempt) {
    Attempt run(config_, request, *connection);
    const CURLcode code = run.run(cancellable);
    bool again = false;
    if (code == CURLE_OK) {
      result = run.take_response();
      again = may_pass(result->status);
    } else {
      result = StoreError{subject + run.error_text(code)};
      again = may_pass(code);
    }
    if (!again || attempt >= attempts || is_cancelled(cancellable))
      break;
    // Ends when the cancellable is cancelled.
    curl_multi_poll(connection->multi, nullptr, 0, static_cast<int>(pause), nullptr);
    pause = std::min(2 * pause, kLongestPause);
  }
  if (is_cancelled(cancellable))
    result = StoreError{subject + "cancelled", StoreFault::kCancelled};
  const MutexLock lock(lock_);
  idle_.push_back(std::move(connection));
  return result;
}

// A text that is no URL may have any of "/?#" in its password, so the '@' decides before them.
std::string shown_url(const std::string& url) {
  std::string shown = url;
  const std::size_t scheme = shown.find("://");
  const std::size_t at = shown.rfind('@');
  if (scheme != std::string::npos && at != std::string::npos && at > scheme) {
    const std::size_t host = scheme + 3;
    // Of a password before the '@', or of a query around it.
    if (shown.find('?') < at)
      return printable(shown.substr(0, host)) + "...";
    shown.erase(host, at + 1 - host);
  }
  return printable(shown.substr(0, shown.find_first_of("?#")));
}

StoreError http_error(const std::string& subject, long status, const std::string& text) {
  StoreFault fault = StoreFault::kUnavailable;
  if (status == 507)
    fault = StoreFault::kFull;
  else if (status >= 300 && status < 500 && status != 408 && status != 429)
    fault = StoreFault::kRefused;
  std::string message = subject + ": the server answers " + std::to_string(status);
  if (status == 401 || status == 403)
    message += ", access denied; check user and password, or the access key and its rights";
  if (!text.empty())
    message += " (" + printable(text) + ")";
  return {message, fault};
}

std::string percent_encoded(const std::string& text, bool path) {
  std::string encoded;
  for (const char c : text) {
    if (g_ascii_isalnum(c) || std::string_view("-._~").find(c) != std::string_view::npos ||
        (path && c == '/'))
      encoded += c;
    else
      encoded += format("%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
  }
  return encoded;
}

}  // namespace dist
