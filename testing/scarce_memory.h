// Memory that runs out. A program that links this library has another operator new, except for
// types with an alignment of their own: these always get their memory.
#pragma once

#include <functional>
#include <limits>

namespace worker_pool {

inline constexpr int kAllAllocations = std::numeric_limits<int>::max();

// From now on, `count` calls of operator new succeed on the calling thread, and all later ones fail
// with std::bad_alloc. Other threads have their own count. At first it is kAllAllocations.
void allow_allocations(int count);

// The same for each thread that calls operator new for the first time from now on.
void allow_allocations_on_new_threads(int count);

// Returns how many calls of operator new have failed so far, on all threads.
int failed_allocations();

// For the calling thread, while it exists: that many calls of operator new succeed. Not more than
// one at a time.
class ScarceMemory {
 public:
  explicit ScarceMemory(int allocations) { allow_allocations(allocations); }
  ~ScarceMemory() { allow_allocations(kAllAllocations); }
  ScarceMemory(const ScarceMemory&) = delete;
  ScarceMemory& operator=(const ScarceMemory&) = delete;
};

// From now on, each call of operator new on the calling thread first calls `hook`, except for the
// calls that the hook makes. Null: no hook, as at first. Does not copy it.
void before_each_allocation(const std::function<void()>* hook);

}  // namespace worker_pool
