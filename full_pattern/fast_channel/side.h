// Side: the state that all senders of a fast channel share, or all receivers.
//
// A FastQueue has two sides. Each one counts its own steps and reads the count of the other side.
#pragma once

#include <cstddef>
#include <cstdint>

#include "step3_dispatcher/cache_line.h"

namespace worker_pool {

// Each side has cache lines of its own, because what one side writes in every operation must not
// slow the other side down. `lock` guards all members, except that any thread may read `count`.
template <class Threads>
struct alignas(kCacheLine) Side {
  explicit Side(std::uint64_t start) : head_start(start), limit(start) {}

  // How far this side may be ahead of the other: the capacity for senders, 0 for receivers.
  const std::uint64_t head_start;
  typename Threads::Lock lock;
  // The same number as `count`, for the owner of the lock. It need not load `count`, whose cache
  // line waiting threads of the other side fetch again and again.
  std::uint64_t steps = 0;
  std::uint64_t limit;       // how far this side may count, by the last known count of the other
  bool found_few = false;    // the last reading of that count allowed only a few steps
  std::size_t position = 0;  // in the ring, of the next value
  // Set by sleeping threads of the other side. A thread that increases `count` then wakes one of
  // them; if `at_goal`, only once they can make as many steps as they prefer.
  bool wake = false;
  bool at_goal = false;

  // The number of values that this side has sent or received. Written under the lock, with release.
  // A thread that reads it with acquire also sees the values up to that count.
  alignas(kCacheLine) typename Threads::template Atomic<std::uint64_t> count{0};
};

}  // namespace worker_pool
