// kCacheLine: how far apart variables must be that two threads write often.
//
//   struct alignas(kCacheLine) Counts { ... };   // each element of an array has lines of its own
#pragma once

#include <cstddef>

namespace worker_pool {

// Variables this many bytes apart are in different cache lines, on x86-64 and on most arm64
// processors. Apple's have lines of 128 bytes, under Linux too. Where lines are longer, as on
// POWER, the code is only slower. Not std::hardware_destructive_interference_size, whose value
// depends on the compiler's options.
#if defined(__aarch64__)
inline constexpr std::size_t kCacheLine = 128;
#else
inline constexpr std::size_t kCacheLine = 64;
#endif

}  // namespace worker_pool
