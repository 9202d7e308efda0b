// SPDX-FileCopyrightText: The gst-dist authors
// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/io/store_index.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace dist {
namespace {

constexpr int kVersion = 1;
constexpr int kBusyTimeout = 20'000;  // Milliseconds.

// The sums are read with each put, so they are kept and not counted.
constexpr char kSchema[] = R"(
BEGIN IMMEDIATE;
CREATE TABLE blobs(key BLOB PRIMARY KEY, size INTEGER NOT NULL, used INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX by_use ON blobs(used, size);
CREATE TABLE holds(holder TEXT, key BLOB, PRIMARY KEY(key, holder)) WITHOUT ROWID;
CREATE INDEX by_holder ON holds(holder);
CREATE TABLE totals(blobs INTEGER NOT NULL, bytes INTEGER NOT NULL);
INSERT INTO totals VALUES(0, 0);
CREATE TRIGGER came AFTER INSERT ON blobs BEGIN
  UPDATE totals SET blobs = blobs + 1, bytes = bytes + NEW.size; END;
CREATE TRIGGER went AFTER DELETE ON blobs BEGIN
  UPDATE totals SET blobs = blobs - 1, bytes = bytes - OLD.size; END;
CREATE TRIGGER grew AFTER UPDATE OF size ON blobs BEGIN
  UPDATE totals SET bytes = bytes - OLD.size + NEW.size; END;
PRAGMA user_version = 1;
COMMIT;
)";

BlobKey key_of(std::span<const std::uint8_t> blob) {
  BlobKey key = {};
  std::copy_n(blob.begin(), std::min(blob.size(), key.size()), key.begin());
  return key;
}

}  // namespace

struct StoreIndex::Statements {
  explicit Statements(sqlite3* db) : db_(db) {}
  bool ok() const {
    return std::ranges::all_of(
        std::initializer_list<const sqlite::Statement*>{&begin, &commit, &rollback, &find, &put,
                                                        &touch, &erase, &totals, &page, &hold,
                                                        &release, &holders, &victims},
        &sqlite::Statement::ok);
  }

  sqlite3* const db_;
  sqlite::Statement begin{db_, "BEGIN IMMEDIATE"};
  sqlite::Statement commit{db_, "COMMIT"};
  sqlite::Statement rollback{db_, "ROLLBACK"};
  sqlite::Statement find{db_, "SELECT size, used FROM blobs WHERE key = ?1"};
  sqlite::Statement put{
      db_,
      "INSERT INTO blobs VALUES(?1, ?2, ?3) ON CONFLICT(key) DO UPDATE SET size = "
      "excluded.size, used = max(used, excluded.used)"};
  sqlite::Statement touch{db_, "UPDATE blobs SET used = ?2 WHERE key = ?1 AND used < ?2"};
  sqlite::Statement erase{db_, "DELETE FROM blobs WHERE key = ?1"};
  sqlite::Statement totals{db_, "SELECT blobs, bytes FROM totals"};
  sqlite::Statement page{db_,
                         "SELECT key, size, used FROM blobs WHERE key > ?1 ORDER BY key LIMIT ?2"};
  sqlite::Statement hold{db_, "INSERT OR IGNORE INTO holds VALUES(?1, ?2)"};
  sqlite::Statement release{db_, "DELETE FROM holds WHERE holder = ?1"};
  sqlite::Statement holders{db_, "SELECT DISTINCT holder FROM holds"};
  sqlite::Statement victims{
      db_,
      "SELECT key, size FROM blobs WHERE NOT EXISTS (SELECT 1 FROM holds WHERE holds.key = "
      "blobs.key) ORDER BY used LIMIT ?1"};
};

// Rolls back unless committed.
class StoreIndex::Transaction {
 public:
  explicit Transaction(Statements& statements)
      : statements_(statements), code_(statements.begin.step()) {}
  ~Transaction() {
    if (code_ == SQLITE_DONE)
      statements_.rollback.step();
  }
  bool begun() const { return code_ == SQLITE_DONE; }
  int code() const { return code_; }
  int commit() {
    const int code = statements_.commit.step();
    if (code == SQLITE_DONE)
      code_ = SQLITE_OK;
    return code;
  }

 private:
  Statements& statements_;
  int code_;
};

StoreIndex::StoreIndex(std::string path, sqlite::Database db)
    : path_(std::move(path)), db_(std::move(db)) {}

StoreIndex::~StoreIndex() = default;

StoreResult<std::unique_ptr<StoreIndex>> StoreIndex::open(const std::string& path) {
  sqlite3* raw = nullptr;
  // Its own lock is not needed: all use is ordered here.
  const int code =
      sqlite3_open_v2(path.c_str(), &raw,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<StoreIndex> index(new StoreIndex(path, sqlite::Database(raw)));
  if (code != SQLITE_OK)
    return index->error(code);
  if (auto status = index->set_up(); !status)
    return status.failure();
  return index;
}

StoreStatus StoreIndex::set_up() {
  sqlite3_extended_result_codes(db_.get(), 1);
  sqlite3_busy_timeout(db_.get(), kBusyTimeout);
  // A power cut may lose the last rows, which the blobs bring back; never the file.
  int code = sqlite3_exec(db_.get(), "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;",
                          nullptr, nullptr, nullptr);
  if (code != SQLITE_OK)
    return error(code);
  std::int64_t version = 0;
  {
    sqlite::Statement read(db_.get(), "PRAGMA user_version");
    if (!read.ok() || (code = read.step()) != SQLITE_ROW)
      return error(sqlite3_errcode(db_.get()));
    version = read.integer(0);
  }
  if (version == 0) {
    code = sqlite3_exec(db_.get(), kSchema, nullptr, nullptr, nullptr);
    if (code != SQLITE_OK)
      return error(code);
  } else if (version != kVersion) {
    return StoreError{"store: " + path_ +
                          ": made by another version of this program; use another "
                          "folder",
                      StoreFault::kRefused};
  }
  const MutexLock lock(lock_);
  statements_ = std::make_unique<Statements>(db_.get());
  if (!statements_->ok())
    return error(sqlite3_errcode(db_.get()));
  return kStoreOk;
}

StoreError StoreIndex::error(int code) const {
  const int primary = code & 0xff;
  const std::string subject = "store: " + path_ + ": ";
  if (primary == SQLITE_FULL ||
      (primary == SQLITE_IOERR && db_ && sqlite3_system_errno(db_.get()) == ENOSPC))
    return {subject + "the disk is full", StoreFault::kFull};
  if (primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB)
    return {subject + "the index is damaged; remove it, and it is made anew from the blobs",
            StoreFault::kDamaged};
  const bool denied = primary == SQLITE_CANTOPEN || primary == SQLITE_READONLY ||
                      primary == SQLITE_PERM || primary == SQLITE_AUTH;
  return {subject + sqlite3_errstr(code), denied ? StoreFault::kRefused : StoreFault::kUnavailable};
}

StoreResult<std::optional<StoreIndex::Row>> StoreIndex::find(const BlobKey& key) {
  const MutexLock lock(lock_);
  auto& find = statements_->find;
  const int code = find.bind(1, key).step();
  if (code == SQLITE_DONE)
    return std::optional<Row>();
  if (code != SQLITE_ROW)
    return error(code);
  const Row row{static_cast<std::uint64_t>(find.integer(0)), find.integer(1)};
  find.reset();
  return std::optional(row);
}

StoreStatus StoreIndex::update(const BlobKey& key, std::int64_t used, const Act& act) {
  const MutexLock lock(lock_);
  Transaction transaction(*statements_);
  if (!transaction.begun())
    return error(transaction.code());
  const auto size = act();
  if (!size)
    return size.failure();
  const int code = *size ? statements_->put.bind(1, key)
                               .bind(2, static_cast<std::int64_t>(**size))
                               .bind(3, used)
                               .step()
                         : statements_->erase.bind(1, key).step();
  if (code != SQLITE_DONE)
    return error(code);
  if (const int done = transaction.commit(); done != SQLITE_DONE)
    return error(done);
  return kStoreOk;
}

StoreStatus StoreIndex::touch(const BlobKey& key, std::int64_t used) {
  const MutexLock lock(lock_);
  const int code = statements_->touch.bind(1, key).bind(2, used).step();
  return code == SQLITE_DONE ? StoreStatus(kStoreOk) : StoreStatus(error(code));
}

StoreResult<StoreIndex::Totals> StoreIndex::totals() {
  const MutexLock lock(lock_);
  auto& totals = statements_->totals;
  if (const int code = totals.step(); code != SQLITE_ROW)
    return error(code);
  const Totals sums{static_cast<std::uint64_t>(totals.integer(0)),
                    static_cast<std::uint64_t>(totals.integer(1))};
  totals.reset();
  return sums;
}

StoreStatus StoreIndex::verify() {
  const MutexLock lock(lock_);
  // Of one state, since it is one statement, whatever others write meanwhile.
  sqlite::Statement sums(db_.get(),
                         "SELECT blobs = (SELECT count(*) FROM blobs) AND bytes = (SELECT "
                         "coalesce(sum(size), 0) FROM blobs) FROM totals");
  sqlite::Statement pages(db_.get(), "PRAGMA integrity_check(1)");
  if (!sums.ok() || !pages.ok())
    return error(sqlite3_errcode(db_.get()));
  if (const int code = pages.step(); code != SQLITE_ROW)
    return error(code);
  if (pages.text(0) != "ok")
    return error(SQLITE_CORRUPT);
  if (const int code = sums.step(); code != SQLITE_ROW)
    return error(code == SQLITE_DONE ? SQLITE_CORRUPT : code);
  return sums.integer(0) != 0 ? StoreStatus(kStoreOk) : StoreStatus(error(SQLITE_CORRUPT));
}

StoreResult<std::vector<BlobInfo>> StoreIndex::page(const std::optional<BlobKey>& after,
                                                    unsigned count) {
  const MutexLock lock(lock_);
  auto& page = statements_->page;
  page.bind(1, after ? std::span<const std::uint8_t>(*after) : std::span<const std::uint8_t>());
  // Without a key: an empty blob, which is less than any; null would be no value at all.
  if (!after)
    page.bind(1, std::string_view(""));
  page.bind(2, std::int64_t{count});
  std::vector<BlobInfo> rows;
  int code = SQLITE_ROW;
  while ((code = page.step()) == SQLITE_ROW)
    rows.push_back(
        {key_of(page.blob(0)), static_cast<std::uint64_t>(page.integer(1)), page.integer(2)});
  if (code != SQLITE_DONE)
    return error(code);
  return rows;
}

StoreStatus StoreIndex::hold(std::span<const BlobKey> keys, const std::string& holder) {
  const MutexLock lock(lock_);
  Transaction transaction(*statements_);
  if (!transaction.begun())
    return error(transaction.code());
  for (const BlobKey& key : keys)
    if (const int code = statements_->hold.bind(1, holder).bind(2, key).step(); code != SQLITE_DONE)
      return error(code);
  if (const int done = transaction.commit(); done != SQLITE_DONE)
    return error(done);
  return kStoreOk;
}

StoreStatus StoreIndex::release(const std::string& holder) {
  const MutexLock lock(lock_);
  const int code = statements_->release.bind(1, holder).step();
  return code == SQLITE_DONE ? StoreStatus(kStoreOk) : StoreStatus(error(code));
}

StoreStatus StoreIndex::drop_dead_holds(const std::function<bool(const std::string&)>& is_alive) {
  std::vector<std::string> holders;
  int code = SQLITE_ROW;
  while ((code = statements_->holders.step()) == SQLITE_ROW)
    holders.push_back(statements_->holders.text(0));
  for (std::size_t i = 0; code == SQLITE_DONE && i < holders.size(); ++i)
    if (!is_alive(holders[i]))
      code = statements_->release.bind(1, holders[i]).step();
  return code == SQLITE_DONE ? StoreStatus(kStoreOk) : StoreStatus(error(code));
}

StoreResult<bool> StoreIndex::evict(std::uint64_t down_to, unsigned count,
                                    const std::function<bool(const std::string&)>& is_alive,
                                    const std::function<void(const BlobKey&)>& remove) {
  const MutexLock lock(lock_);
  Transaction transaction(*statements_);
  if (!transaction.begun())
    return error(transaction.code());
  if (auto status = drop_dead_holds(is_alive); !status)
    return status.failure();
  auto& totals = statements_->totals;
  if (const int code = totals.step(); code != SQLITE_ROW)
    return error(code);
  auto bytes = static_cast<std::uint64_t>(totals.integer(1));
  totals.reset();

  std::vector<BlobKey> victims;
  auto& oldest = statements_->victims.bind(1, std::int64_t{count});
  int code = SQLITE_DONE;
  while (bytes > down_to && (code = oldest.step()) == SQLITE_ROW) {
    victims.push_back(key_of(oldest.blob(0)));
    bytes -= std::min(bytes, static_cast<std::uint64_t>(oldest.integer(1)));
  }
  oldest.reset();
  if (code != SQLITE_DONE && code != SQLITE_ROW)
    return error(code);
  for (const BlobKey& key : victims) {
    if (const int erased = statements_->erase.bind(1, key).step(); erased != SQLITE_DONE)
      return error(erased);
    remove(key);
  }
  if (const int done = transaction.commit(); done != SQLITE_DONE)
    return error(done);
  return bytes > down_to && victims.size() == count;
}

}  // namespace dist
