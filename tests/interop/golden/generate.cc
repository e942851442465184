// Writes the directories beside this file with C++ LevelDB 1.23:
//
//   g++ -std=c++17 -O1 -o /tmp/generate generate.cc -lleveldb && /tmp/generate .
//
// on Debian 12 with libleveldb-dev. What they hold is computed anew in golden_test.go:
// keep the two alike.
//
// Every round puts a third of the keys and deletes some others. LevelDB writes a log that it
// finds on opening into a table of level 0: so each round but the last becomes a table, and the
// last stays in the log.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "leveldb/db.h"
#include "leveldb/filter_policy.h"
#include "leveldb/write_batch.h"

namespace {

constexpr int kKeys = 600;
constexpr int kRounds = 4;

void Check(const leveldb::Status& status) {
  if (!status.ok()) {
    std::fprintf(stderr, "generate: %s\n", status.ToString().c_str());
    std::exit(1);
  }
}

std::string Key(int i) {
  if (i % 50 == 0) return std::string(1 + i / 50, '\xff');
  if (i % 50 == 1) return std::string(1 + i / 50, '\0');
  char text[16];
  std::snprintf(text, sizeof text, "key%05d", i * 7919 % 100000);
  return text;
}

std::string Value(int i, int round) {
  std::string value;
  for (int n = 0; n < i % 7; n++) {
    value += "value " + std::to_string(i) + " of round " + std::to_string(round) + "\n";
  }
  return value;
}

// LargeValue is longer than a block of the log, and does not compress.
std::string LargeValue(int round) {
  std::string value(34000, '\0');
  unsigned state = 12345 + round;
  for (char& c : value) {
    state = state * 1103515245u + 12345u;
    c = static_cast<char>(state >> 16);
  }
  return value;
}

void WriteRound(leveldb::DB* db, int round) {
  leveldb::WriteBatch batch;
  for (int i = 0; i < kKeys; i++) {
    if ((i + round) % 3 == 0) {
      batch.Put(Key(i), Value(i, round));
    } else if (i * 7 % 13 == round) {
      batch.Delete(Key(i));
    }
    if (i % 10 == 9) {
      Check(db->Write(leveldb::WriteOptions(), &batch));
      batch.Clear();
    }
  }
  if (round == kRounds - 1) Check(db->Put(leveldb::WriteOptions(), "large", LargeValue(round)));
}

std::unique_ptr<leveldb::DB> Open(const leveldb::Options& options, const std::string& dir) {
  leveldb::DB* db = nullptr;
  Check(leveldb::DB::Open(options, dir, &db));
  return std::unique_ptr<leveldb::DB>(db);
}

void Generate(const leveldb::Options& options, const std::string& dir, int compacted_rounds) {
  std::filesystem::remove_all(dir);
  for (int round = 0; round < kRounds; round++) {
    auto db = Open(options, dir);
    WriteRound(db.get(), round);
    if (round < compacted_rounds) db->CompactRange(nullptr, nullptr);
  }
  for (const char* name : {"LOG", "LOG.old", "LOCK"}) std::filesystem::remove(dir + "/" + name);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string root = argc > 1 ? argv[1] : ".";
  std::unique_ptr<const leveldb::FilterPolicy> filter(leveldb::NewBloomFilterPolicy(10));
  leveldb::Options options;
  options.create_if_missing = true;
  Generate(options, root + "/snappy", 0);

  options.compression = leveldb::kNoCompression;
  options.filter_policy = filter.get();
  Generate(options, root + "/plain-filter", 0);

  options.compression = leveldb::kSnappyCompression;
  options.block_size = 1024;
  Generate(options, root + "/levels", 2);
}
