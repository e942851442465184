// Reads a store with C++ LevelDB, checks that going backward and getting by key agree with
// going forward, prints every entry as "hexadecimal key, space, hexadecimal value", and then
// puts "C++" under "visited by". leveldb_test.go builds and runs it.

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "leveldb/db.h"

namespace {

void Fail(const std::string& reason) {
  std::fprintf(stderr, "visit: %s\n", reason.c_str());
  std::exit(1);
}

void Check(const leveldb::Status& status) {
  if (!status.ok()) Fail(status.ToString());
}

std::string Hex(const std::string& bytes) {
  static const char kDigits[] = "0123456789abcdef";
  std::string text;
  for (unsigned char c : bytes) {
    text += kDigits[c >> 4];
    text += kDigits[c & 15];
  }
  return text;
}

using Entries = std::vector<std::pair<std::string, std::string>>;

Entries ReadForward(leveldb::DB* db, const leveldb::ReadOptions& options) {
  Entries entries;
  std::unique_ptr<leveldb::Iterator> it(db->NewIterator(options));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    entries.emplace_back(it->key().ToString(), it->value().ToString());
  }
  Check(it->status());
  return entries;
}

void CheckBackward(leveldb::DB* db, const leveldb::ReadOptions& options, const Entries& entries) {
  std::unique_ptr<leveldb::Iterator> it(db->NewIterator(options));
  auto want = entries.rbegin();
  for (it->SeekToLast(); it->Valid(); it->Prev(), ++want) {
    if (want == entries.rend() || it->key() != want->first || it->value() != want->second) {
      Fail("backward differs at " + Hex(it->key().ToString()));
    }
  }
  Check(it->status());
  if (want != entries.rend()) Fail("backward ends early");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) Fail("usage: visit DIR");
  leveldb::Options options;
  options.paranoid_checks = true;
  leveldb::DB* opened = nullptr;
  Check(leveldb::DB::Open(options, argv[1], &opened));
  std::unique_ptr<leveldb::DB> db(opened);

  leveldb::ReadOptions read;
  read.verify_checksums = true;
  const Entries entries = ReadForward(db.get(), read);
  CheckBackward(db.get(), read, entries);
  for (const auto& entry : entries) {
    std::string value;
    Check(db->Get(read, entry.first, &value));
    if (value != entry.second) Fail("get differs at " + Hex(entry.first));
    std::printf("%s %s\n", Hex(entry.first).c_str(), Hex(entry.second).c_str());
  }
  Check(db->Put(leveldb::WriteOptions(), "visited by", "C++"));
}
