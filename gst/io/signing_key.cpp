// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/signing_key.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>
#include <vector>

namespace dist {
namespace {

using Key = std::shared_ptr<EVP_PKEY>;
using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;
using Digest = std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)>;

Error refuse(const std::string& path, const std::string& why) {
  return {path + ": " + why};
}

File open(const std::string& path) {
  return {std::fopen(path.c_str(), "rbe"), std::fclose};
}

Digest new_digest() {
  return {EVP_MD_CTX_new(), EVP_MD_CTX_free};
}

// OpenSSL would ask at the terminal.
int no_password(char*, int, int, void*) {
  return 0;
}

using ReadPem = EVP_PKEY*(std::FILE*, EVP_PKEY**, pem_password_cb*, void*);

Result<Key> read_key(const std::string& path, ReadPem* read, const char* what) {
  const File file = open(path);
  if (!file)
    return refuse(path, std::string("cannot be read: ") + std::strerror(errno));
  Key key(read(file.get(), nullptr, no_password, nullptr), EVP_PKEY_free);
  if (!key || EVP_PKEY_get_id(key.get()) != EVP_PKEY_ED25519)
    return refuse(path, std::string("is no ") + what + " key of Ed25519 in PEM");
  return key;
}

Result<std::array<std::uint8_t, 32>> public_half(const std::string& path, const Key& key) {
  std::array<std::uint8_t, 32> bytes = {};
  std::size_t size = bytes.size();
  if (EVP_PKEY_get_raw_public_key(key.get(), bytes.data(), &size) != 1 || size != bytes.size())
    return refuse(path, "OpenSSL cannot use the key");
  return bytes;
}

Result<record::Signature> read_file(const std::string& path) {
  const File file = open(path);
  if (!file)
    return refuse(path, std::string("cannot be read: ") + std::strerror(errno));
  std::vector<std::uint8_t> bytes(record::kMaxSignature + 1);
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file.get()));
  const auto signature = record::read_signature(bytes);
  if (!signature)
    return refuse(path, signature.error());
  return *signature;
}

}  // namespace

Result<SigningKey> SigningKey::read(const std::string& path) {
  auto key = read_key(path, PEM_read_PrivateKey, "private");
  if (!key)
    return Error{key.error()};
  return SigningKey(std::move(*key));
}

Result<record::Signature> SigningKey::sign(const record::Cid& root) const {
  const auto key = std::static_pointer_cast<EVP_PKEY>(key_);
  const auto half = public_half("signature", key);
  if (!half)
    return Error{half.error()};
  record::Signature made{.key = *half, .record = root, .signature = {}};
  const auto bytes = root.bytes();
  const Digest digest = new_digest();
  std::size_t size = made.signature.size();
  if (!digest || EVP_DigestSignInit(digest.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestSign(digest.get(), made.signature.data(), &size, bytes.data(), bytes.size()) != 1)
    return Error{"signature: OpenSSL cannot sign with the key"};
  return made;
}

Status check_signature(const std::string& path, const record::Cid& root, const std::string& key) {
  const auto known = read_key(key, PEM_read_PUBKEY, "public");
  if (!known)
    return Error{known.error()};
  const auto half = public_half(key, *known);
  if (!half)
    return Error{half.error()};
  const auto signature = read_file(path);
  if (!signature)
    return Error{signature.error()};
  if (signature->record != root)
    return refuse(path, "signs another record, " + signature->record.text());
  if (signature->key != *half)
    return refuse(path, "was made with another key than that of " + key);
  const auto bytes = root.bytes();
  const Digest digest = new_digest();
  if (!digest || EVP_DigestVerifyInit(digest.get(), nullptr, nullptr, nullptr, known->get()) != 1 ||
      EVP_DigestVerify(digest.get(), signature->signature.data(), signature->signature.size(),
                       bytes.data(), bytes.size()) != 1)
    return refuse(path, "the signature does not fit the record; one of them was changed");
  return {};
}

}  // namespace dist
