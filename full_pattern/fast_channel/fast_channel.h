// make_fast_channel(): a channel for jobs so short that the queue dominates their cost.
//
//   auto [jobs, queue] = make_fast_channel<int>(100);  // the same Sender<int> and Receiver<int>
//
// It gives every guarantee of the simple channel (step2_worker/channel.h) and passes the same
// tests. The differences:
//   1. A thread that has to wait spins before it sleeps: a sender for 20 microseconds, a receiver
//      for 50. If spinning has failed recently, only some of the waits spin. Spinning uses a
//      processor, but yields it to other threads. A sleeping thread uses none.
//   2. A sender on a full channel waits until half of it is free, while it spins and for the first
//      100 microseconds of its sleep. After that, any free place wakes it. So it may continue later
//      than with the simple channel, and one wake-up serves many jobs. Several sleeping senders are
//      woken one after another, each by this rule. Once one of them has slept for 100 microseconds,
//      any free place wakes one.
//   3. It allocates the memory for `capacity` values at once.
//   4. If T has a default constructor, a noexcept swap and a noexcept function recycle(T&), as Job
//      has, receive_into() does not destroy the value that its variable held. It empties it with
//      recycle(), and a later sender finds it in the variable from which it has sent. Up to
//      `capacity` empty values live as long as the channel does.
// As with the simple channel, waiting threads have no order: a thread that has just arrived may be
// faster than one that was woken.
//
// Not for threads with real-time priorities: on one processor, such a thread can spin forever for a
// lock that a thread with a lower priority holds (brief_lock.h). The simple channel sleeps.
//
// README.md says when it pays, and when it does not.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "full_pattern/fast_channel/fast_queue.h"
#include "step2_worker/channel.h"

namespace worker_pool {

// Returns the two ends of a channel that holds at most `capacity` values. Throws
// std::invalid_argument if it is 0 or above kMaxFastCapacity, std::bad_alloc if there is no memory
// for so many values.
template <class T>
std::pair<Sender<T>, Receiver<T>> make_fast_channel(std::size_t capacity) {
  return connect<T>(std::make_shared<FastQueue<T>>(capacity));
}

}  // namespace worker_pool
