// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
//
// Files that are CARs. Errors begin with the file's name.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

#include "gst/base/mutex.h"
#include "gst/base/result.h"
#include "gst/io/locked_file.h"
#include "gst/record/block.h"
#include "gst/record/cid.h"

namespace dist {

// Writes a CAR while its root is not known yet. Thread-safe. After an error nothing more is
// written, and each call gives that error.
class CarFileWriter {
 public:
  // `path` is a file that exists and becomes empty; `name` is what errors call it.
  CarFileWriter(const std::string& path, std::string name);

  // Blocks may come in any order, and more than once.
  Status put(const record::Block& block);
  // Once, after all blocks. Does not sync.
  Status finish(const record::Cid& root);
  // Does not wait for a disk that does not answer.
  Status status() const;

 private:
  Status write(const BytesList& pieces) REQUIRES(lock_);
  Status fail() REQUIRES(lock_);

  const std::string name_;
  // Held while it writes: sections must not mix, and who waits would wait for the disk anyway.
  mutable Mutex lock_;
  FileDescriptor file_ GUARDED_BY(lock_);
  Status status_ GUARDED_BY(lock_);
  std::atomic<bool> failed_ = false;  // Then nobody holds the lock for long.
};

// The blocks of a CAR. Takes about 100 bytes of memory for each block.
class CarFile {
 public:
  // Reads all of the file once, and compares each block with its CID.
  static Result<CarFile> open(const std::string& path);

  const record::Cid& root() const { return root_; }
  // Whether it has other blocks than those of DAG-CBOR.
  bool has_blobs() const;
  // Reads blocks again; borrows this object.
  record::GetBlock get() const;
  // Of the file.
  std::uint64_t bytes() const { return bytes_; }

 private:
  struct Place {
    std::uint64_t offset = 0;
    std::uint32_t bytes = 0;
  };

  FileDescriptor file_;
  std::uint64_t bytes_ = 0;
  record::Cid root_;
  std::map<record::Cid, Place> places_;
};

// Reads the blobs of a CAR, each a file of UnixFS, into memory. Refuses one of more than kMaxBlob,
// and one with which all that were read have more than 64 times the bytes of the CAR: a few blocks
// that are linked again and again can be a blob of any size.
class CarBlobs {
 public:
  // Borrows the CAR.
  explicit CarBlobs(const CarFile& car);

  Result<BytesList> read(const record::Cid& cid, std::uint64_t max_bytes);

 private:
  const record::GetBlock get_;
  std::uint64_t left_;
};

}  // namespace dist
