// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>
#include <utility>
#include <variant>

namespace dist {

// Why an operation failed. The text starts with its subject ("segment 41: …") and is fit to be
// shown to a user.
struct Error {
  std::string message;
};

// A value or the reason why there is none. Reading the wrong one of the two is a programming error
// and throws std::bad_variant_access.
template <class T, class E = Error>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}
  Result(E error) : state_(std::move(error)) {}

  explicit operator bool() const { return std::holds_alternative<T>(state_); }
  T& operator*() { return std::get<T>(state_); }
  const T& operator*() const { return std::get<T>(state_); }
  T* operator->() { return &std::get<T>(state_); }
  const T* operator->() const { return &std::get<T>(state_); }
  const E& failure() const { return std::get<E>(state_); }
  const std::string& error() const { return failure().message; }

 private:
  std::variant<T, E> state_;
};

// Success, or the reason for failure.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Error error) : error_(std::move(error)), failed_(true) {}

  explicit operator bool() const { return !failed_; }
  const std::string& error() const { return error_.message; }

 private:
  Error error_;
  bool failed_ = false;
};

}  // namespace dist
