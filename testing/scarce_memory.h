// Memory that runs out. A program that links this library has another operator new.
#pragma once

#include <limits>

namespace worker_pool {

inline constexpr int kAllAllocations = std::numeric_limits<int>::max();

// From now on, `count` calls of operator new succeed on the calling thread, and all later ones fail
// with std::bad_alloc. Other threads have their own count. At first it is kAllAllocations.
void allow_allocations(int count);

}  // namespace worker_pool
