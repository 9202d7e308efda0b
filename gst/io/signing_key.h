// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Signs records by Ed25519 (RFC 8032), and checks signatures. Keys are PEM files, such as OpenSSL
// writes them. Errors begin with the file.
#pragma once

#include <memory>
#include <string>

#include "gst/base/result.h"
#include "gst/record/signature.h"

namespace dist {

class SigningKey {
 public:
  // A private key without a password.
  static Result<SigningKey> read(const std::string& path);

  Result<record::Signature> sign(const record::Cid& root) const;

 private:
  explicit SigningKey(std::shared_ptr<void> key) : key_(std::move(key)) {}

  std::shared_ptr<void> key_;  // OpenSSL's.
};

// Whether the file is a signature of that root by the key whose public half `key` is; the error
// says what is wrong.
Status check_signature(const std::string& path, const record::Cid& root, const std::string& key);

}  // namespace dist
