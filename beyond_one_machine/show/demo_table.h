// DemoTable: what the demo shows of one consumer, over all processes that ran under its name.
#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <string>

namespace worker_pool {

struct DemoCounts {
  std::uint64_t done = 0;
  std::uint64_t in_hand = 0;
  std::uint64_t redelivered = 0;
  std::uint64_t buried = 0;
};

// Reads the line "status: done 12, in hand 3, …" of a consumer. Other lines change nothing.
void read_status(const std::string& line, DemoCounts& counts);

// Thread-safe.
class DemoColumn {
 public:
  void read(const std::string& line) {
    const std::lock_guard lock(mutex_);
    read_status(line, now_);
  }

  // The process has exited: its counts stay, and it has no job in hand.
  void process_exited() {
    const std::lock_guard lock(mutex_);
    before_ = sum();
    before_.in_hand = 0;
    now_ = {};
  }

  DemoCounts counts() const {
    const std::lock_guard lock(mutex_);
    return sum();
  }

 private:
  DemoCounts sum() const {
    return {before_.done + now_.done, now_.in_hand, before_.redelivered + now_.redelivered,
            before_.buried + now_.buried};
  }

  mutable std::mutex mutex_;
  DemoCounts before_;  // of the processes that have exited
  DemoCounts now_;
};

}  // namespace worker_pool
