// A bounded queue between threads: push() waits for room, pop() waits for a value.
#pragma once

#include <bit>
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "testing/lab/lab.h"

namespace worker_pool {

template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : ring_(std::bit_ceil(capacity)) {}

  // Blocks while the queue is full. Returns false when it is closed: the caller still owns `value`.
  [[nodiscard]] bool push(T&& value) {
    {
      std::unique_lock lock(mutex_);
      not_full_.wait(lock, [this] { return closed_ || tail_ - head_ < ring_.size(); });
      if (closed_) return false;
      ring_[tail_++ & (ring_.size() - 1)] = std::move(value);
    }
    not_empty_.notify_one();
    return true;
  }

  // Blocks while the queue is empty. Returns nullopt when it is closed and no value is left.
  std::optional<T> pop() {
    std::optional<T> value;
    {
      std::unique_lock lock(mutex_);
      not_empty_.wait(lock, [this] { return closed_ || head_ != tail_; });
      if (head_ == tail_) return std::nullopt;
      value = std::move(ring_[head_++ & (ring_.size() - 1)]);
    }
    not_full_.notify_one();
    return value;
  }

  // The queue accepts no more values. Values already queued can still be popped.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    not_full_.notify_all();
    not_empty_.notify_all();
  }

 private:
  lab::mutex mutex_;
  lab::condition_variable not_full_{"not_full"};
  lab::condition_variable not_empty_{"not_empty"};
  std::vector<T> ring_;   // guarded by mutex_; its size is a power of two
  std::size_t head_ = 0;  // guarded by mutex_
  std::size_t tail_ = 0;  // guarded by mutex_
  bool closed_ = false;   // guarded by mutex_
};

}  // namespace worker_pool
