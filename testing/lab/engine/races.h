// Finds data races: two accesses to the same memory by two threads, of which at least one writes
// and at least one is not atomic, and nothing orders them. The method is that of FastTrack
// (Flanagan and Freund, PLDI 2009), without its compression, because scenarios are small.
//
// One object watches one schedule. Not thread-safe: exactly one thread of a schedule runs at a
// time.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <unordered_map>
#include <vector>

#include "testing/lab/engine/clocks.h"
#include "testing/lab/engine/places.h"

namespace worker_pool::lab {

struct Access {
  int thread = 0;
  const char* verb = "reads";  // for the verdict
  bool is_write = false;
  bool is_atomic = false;
  bool is_free = false;       // the memory was given back: any later access is an error
  bool is_forgotten = false;  // races with earlier accesses only
  Place place{};
  // Set by Races:
  std::uint32_t time = 0;  // of the thread's own clock
  std::uint8_t bytes = 0;  // which of the eight of a cell
};

class Races {
 public:
  struct Race {
    Access earlier;
    Access later;
  };

  // --- What orders threads ---

  void start(int parent, int child);
  void join(int thread, int ended) { clock(thread).join(clock(ended)); }
  // A mutex, for example, has such a clock: unlock() releases into it, and lock() acquires from it.
  void release(int thread, VectorClock& into);
  void acquire(int thread, const VectorClock& from) { clock(thread).join(from); }

  // --- Atomics: the value's clock, and what each kind of operation does with it ---

  void load(int thread, const VectorClock& value, std::memory_order order);
  void store(int thread, VectorClock& value, std::memory_order order);
  void update(int thread, VectorClock& value, std::memory_order order);  // read, modify and write
  void fence(int thread, std::memory_order order);

  std::uint32_t time(int thread) const { return clock(thread)[thread]; }
  // Whether `thread` knows what `other` did at that time of its own clock.
  bool knows(int thread, int other, std::uint32_t time) const {
    return clock(thread)[other] >= time;
  }
  // Whether sequentially consistent fences forbid that a load of `thread` misses that store.
  bool fences_show(int thread, int other, std::uint32_t time, std::memory_order order) const {
    const VectorClock& seen = order == std::memory_order_seq_cst
                                  ? seq_cst_fences_
                                  : seen_by_seq_cst_fence_[static_cast<std::size_t>(thread)];
    return seen[other] >= time;
  }

  // --- Accesses ---

  // Returns the race of this access with an earlier one, if there is one.
  std::optional<Race> access(std::uintptr_t address, std::size_t size, Access access);

 private:
  using Cell = std::pmr::vector<Access>;  // those to eight bytes that a later one may race with

  VectorClock& clock(int thread) { return clocks_[static_cast<std::size_t>(thread)]; }
  const VectorClock& clock(int thread) const { return clocks_[static_cast<std::size_t>(thread)]; }
  void tick(int thread) { ++clock(thread)[thread]; }
  std::optional<Race> access_cell(Cell& cell, const Access& access);

  static std::array<VectorClock, kMaxThreads> first_clocks();

  std::array<VectorClock, kMaxThreads> clocks_ = first_clocks();
  std::array<VectorClock, kMaxThreads> seen_by_relaxed_loads_{};  // for an acquire fence
  std::array<VectorClock, kMaxThreads> released_by_fence_{};      // for a relaxed store
  VectorClock seq_cst_fences_{};                                  // what came before any of them
  std::array<VectorClock, kMaxThreads> seen_by_seq_cst_fence_{};  // of the thread
  std::pmr::monotonic_buffer_resource memory_;  // released at once, after the schedule
  std::pmr::unordered_map<std::uintptr_t, Cell> cells_{&memory_};
};

}  // namespace worker_pool::lab
