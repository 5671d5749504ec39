// The state of the mutexes, condition variables and atomics of one schedule, by their address: of
// those of lab.h, and of those of std, which the hooks stand in for.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "testing/lab/engine/clocks.h"

namespace worker_pool::lab {

struct Mutex {
  std::string name{};
  int owner = -1;  // -1: no thread
  int depth = 0;   // how many more times its owner has locked a recursive one
  VectorClock released{};
};

struct Sleeper {
  int thread = 0;
  const void* mutex = nullptr;  // which it has unlocked meanwhile, if it has one
  bool notified = false;
};

struct ConditionVariable {
  std::string name{};
  std::vector<Sleeper*> sleepers{};  // not notified yet
};

// Something that happens once. What comes before it also comes before what waits for it.
struct Event {
  bool has_happened = false;
  VectorClock released{};
};

// What has been stored in an atomic, oldest first, for loads that return an older value.
struct Atomic {
  std::string name{};
  struct Store {
    std::uint64_t value = 0;
    int thread = -1;  // -1: the first value
    std::uint32_t time = 0;
    bool is_seq_cst = false;
    VectorClock released{};
  };
  struct Load {
    int thread = 0;
    std::uint32_t time = 0;
    bool is_seq_cst = false;
    std::size_t store = 0;
  };
  VectorClock released{};  // what an acquire load of the newest value sees
  std::vector<Store> stores{};
  std::vector<Load> loads{};
};

class Objects {
 public:
  std::map<const void*, Mutex> mutexes{};
  std::map<const void*, ConditionVariable> condition_variables{};
  std::map<const void*, Atomic> atomics{};
  std::map<const void*, Event> events{};
  std::map<const void*, VectorClock> annotated_locks{};  // what their last unlock released

  // The name of the object there, or "".
  std::string name_of(const void* object) const;

  // New objects may begin in this memory.
  void forget_atomics(const void* begin, std::size_t size);

  // Whether the thread's last operations on atomics and mutexes were loads of this atomic that saw
  // this value, at least two of them.
  bool is_spinning(int thread, const void* object, std::uint64_t value) const;
  void remember_load(int thread, const void* object, std::uint64_t value);
  void forget_loads(int thread) { last_loads_[static_cast<std::size_t>(thread)] = {}; }

 private:
  struct LastLoad {
    const void* object = nullptr;
    std::uint64_t value = 0;
    int times = 0;
  };
  std::array<LastLoad, kMaxThreads> last_loads_{};  // by thread
};

}  // namespace worker_pool::lab
