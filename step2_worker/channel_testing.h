// What the tests of a channel share. They use only its two ends, so they fit any implementation.
//
// Where there is nothing to wait for, a test's main thread calls try_send() and try_receive(). A
// broken channel then fails an expectation, which says more than a hang.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "step2_worker/channel.h"
#include "testing/watchdog.h"

namespace worker_pool {

// Makes a failure print "kClosed" instead of raw bytes. GoogleTest finds it by its name.
inline void PrintTo(SendStatus status, std::ostream* out) {
  switch (status) {
    case SendStatus::kSent:
      *out << "kSent";
      return;
    case SendStatus::kFull:
      *out << "kFull";
      return;
    case SendStatus::kClosed:
      *out << "kClosed";
      return;
    case SendStatus::kContextEnded:
      *out << "kContextEnded";
      return;
  }
  *out << "not a SendStatus";
}

// Returns a line of text, so that a failed comparison shows every number with its name.
inline std::string text(const ChannelStats& stats) {
  return "sent " + std::to_string(stats.sent) + ", received " + std::to_string(stats.received) +
         ", queued " + std::to_string(stats.queued) + ", blocked senders " +
         std::to_string(stats.blocked_senders) + ", blocked receivers " +
         std::to_string(stats.blocked_receivers);
}

// Returns first, first + 1, ... last. Empty if last is less than first.
inline std::vector<int> numbers(int first, int last) {
  std::vector<int> values;
  for (int value = first; value <= last; ++value) values.push_back(value);
  return values;
}

// Returns what the pointers point to, and -1 for a null pointer.
inline std::vector<int> numbers(const std::vector<std::unique_ptr<int>>& pointers) {
  std::vector<int> values;
  for (const std::unique_ptr<int>& pointer : pointers) values.push_back(pointer ? *pointer : -1);
  return values;
}

// Sends make_value(1), ... make_value(count). The channel must have room for them.
template <class T, class MakeValue>
void fill(Sender<T>& jobs, int count, MakeValue make_value) {
  for (int i = 1; i <= count; ++i) {
    EXPECT_EQ(jobs.try_send(make_value(i)), SendStatus::kSent) << "value " << i << " of " << count;
  }
}

inline void fill(Sender<int>& jobs, int count) {
  fill(jobs, count, [](int number) { return number; });
}

inline void fill(Sender<std::unique_ptr<int>>& jobs, int count) {
  fill(jobs, count, [](int number) { return std::make_unique<int>(number); });
}

// Receives all values that are queued now.
template <class T>
std::vector<T> take_queued(const Receiver<T>& queue) {
  std::vector<T> values;
  while (std::optional<T> value = queue.try_receive()) values.push_back(std::move(*value));
  return values;
}

// Receives until the channel is closed and drained.
template <class T>
std::vector<T> drain(const Watchdog& watchdog, const Receiver<T>& queue) {
  const auto note = watchdog.waiting("a receiver: for a value or the end of the channel");
  std::vector<T> values;
  while (std::optional<T> value = queue.receive()) values.push_back(std::move(*value));
  return values;
}

template <class End>
void await_blocked_senders(const Watchdog& watchdog, const End& end, std::size_t count) {
  watchdog.await("exactly " + std::to_string(count) + " blocked senders",
                 [&] { return end.stats().blocked_senders == count; });
}

template <class End>
void await_blocked_receivers(const Watchdog& watchdog, const End& end, std::size_t count) {
  watchdog.await("exactly " + std::to_string(count) + " blocked receivers",
                 [&] { return end.stats().blocked_receivers == count; });
}

}  // namespace worker_pool
