// What the tests of a channel share. They use its two ends only, so they fit any implementation.
//
// A test's own thread calls try_send() and try_receive() wherever there is nothing to wait for: a
// broken channel then fails an expectation, which tells more than a hang.
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

// Found by GoogleTest, which would print "4-byte object <02-00 00-00>" without it.
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
  }
  *out << "no SendStatus at all";
}

// As a line of text: a comparison that fails then shows every number with its name.
inline std::string text(const ChannelStats& stats) {
  return "sent " + std::to_string(stats.sent) + ", received " + std::to_string(stats.received) +
         ", queued " + std::to_string(stats.queued) + ", blocked senders " +
         std::to_string(stats.blocked_senders) + ", blocked receivers " +
         std::to_string(stats.blocked_receivers);
}

// first, first + 1, ... last; nothing when last is less than first.
inline std::vector<int> numbers(int first, int last) {
  std::vector<int> values;
  for (int value = first; value <= last; ++value) values.push_back(value);
  return values;
}

// What they point to; -1 stands for null.
inline std::vector<int> numbers(const std::vector<std::unique_ptr<int>>& pointers) {
  std::vector<int> values;
  for (const std::unique_ptr<int>& pointer : pointers) values.push_back(pointer ? *pointer : -1);
  return values;
}

// Sends make_value(1), ... make_value(count). There has to be room for them.
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

// Receives what is queued at the moment.
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
