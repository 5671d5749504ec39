// Attempts: how often a job was started, so that one that never succeeds can be buried.
//
// The broker counts deliveries, but a job that a consumer hands back at its shutdown was delivered
// and never started. So we count starts, in a table of the broker, because a job that crashes its
// process leaves no other trace. To keep the table small and the first delivery fast, the first
// start of a job is only recorded when it fails. A job that crashes its process at the first start
// is therefore counted once less.
#pragma once

#include <optional>
#include <string>

#include "broker.h"

namespace worker_pool {

struct Attempts {
  int starts = 0;
  bool open = false;  // the last start has no result: its process crashed, or it is still running
};

// Thread-safe. Blocks and throws as Table does.
class AttemptLog {
 public:
  explicit AttemptLog(Table table) : table_(std::move(table)) {}

  Attempts read(const std::string& id) const { return parse(table_.get(id).value_or("0 closed")); }
  void write(const std::string& id, Attempts attempts) const { table_.put(id, text(attempts)); }

 private:
  // "3 open" or "3 closed"
  static std::string text(Attempts attempts) {
    return std::to_string(attempts.starts) + (attempts.open ? " open" : " closed");
  }
  static Attempts parse(const std::string& text) {
    return {.starts = std::stoi(text), .open = text.ends_with(" open")};
  }

  Table table_;
};

}  // namespace worker_pool
