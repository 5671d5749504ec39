// Attempts: how often a job was started, so that one that never succeeds can be buried.
//
// The broker counts deliveries, but a job that a consumer hands back at its shutdown was delivered
// and never started. So we count starts, in a table of the broker, because a job that crashes its
// process leaves no other trace. To keep the first delivery fast, a start after it is only recorded
// when the job fails. A job that crashes its process at that start is therefore counted once less.
// A burial resets the record, and the broker removes one that is old: Options::keep.
#pragma once

#include <charconv>
#include <string>
#include <system_error>
#include <utility>

#include "broker/broker.h"

namespace worker_pool {

struct Attempts {
  int starts = 0;
  bool open = false;  // the last start has no result: its process crashed, or it is still running
};

// "3 open" or "3 closed".
inline std::string to_text(Attempts attempts) {
  return std::to_string(attempts.starts) + (attempts.open ? " open" : " closed");
}

// What is not such a text means no attempts: a damaged record must not stop the consumer.
inline Attempts parse_attempts(const std::string& text) {
  Attempts attempts;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), attempts.starts);
  const std::string rest(end, text.data() + text.size());
  if (error != std::errc() || attempts.starts < 0) return {};
  if (rest != " open" && rest != " closed") return {};
  attempts.open = rest == " open";
  return attempts;
}

// Thread-safe. Blocks and throws as Table does.
class AttemptLog {
 public:
  explicit AttemptLog(Table table) : table_(std::move(table)) {}

  Attempts read(const std::string& id) const { return parse_attempts(table_.get(id).value_or("")); }
  void write(const std::string& id, Attempts attempts) const { table_.put(id, to_text(attempts)); }

 private:
  Table table_;
};

}  // namespace worker_pool
