// A channel for jobs so short that the queue between the threads is what they cost.
//
//   auto [jobs, queue] = make_fast_channel<int>(100);  // the same Sender<int> and Receiver<int>
//
// It keeps every promise of the simple channel (step2_worker/channel.h), and is tested by the same
// tests. What is different:
//
//  - A thread that has to wait looks on before it sleeps, a sender for 20 microseconds and a
//    receiver for 50, unless that has been in vain recently. It uses a processor meanwhile, and
//    lets others run. One that sleeps uses none.
//  - A sender on a full channel waits until half of it is free, while it looks and for 100
//    microseconds of sleep, for which it has a timer; after that, any free place wakes it. So it
//    may go on that much later than with the simple channel, and one wake-up pays for many jobs.
//  - The memory for `capacity` values is allocated at once.
//
// As with the simple channel there is no order among those who wait: a thread that comes at the
// right moment may be faster than one that was woken.
//
// When it pays, and when it does not: fast_channel.md.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "full_pattern/fast_channel/fast_queue.h"
#include "step2_worker/channel.h"

namespace worker_pool {

// A channel that holds at most `capacity` values; 0 is refused with std::invalid_argument.
template <class T>
[[nodiscard]] std::pair<Sender<T>, Receiver<T>> make_fast_channel(std::size_t capacity) {
  return connect<T>(std::make_shared<FastQueue<T>>(capacity));
}

}  // namespace worker_pool
