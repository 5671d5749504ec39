// A bounded queue between threads: push() waits for room, pop() waits for a value.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "testing/lab/lab.h"

namespace worker_pool {

template <class T>
class BoundedQueue {
 public:
  explicit BoundedQueue(std::size_t capacity) : capacity_(capacity) {}

  // Blocks while the queue is full. Returns false when it is closed: the caller still owns `value`.
  [[nodiscard]] bool push(T&& value) {
    {
      std::unique_lock lock(mutex_);
      not_full_.wait(lock, [this] { return closed_ || values_.size() < capacity_; });
      if (closed_) return false;
      values_.push_back(std::move(value));
      count_.store(values_.size(), std::memory_order_relaxed);
    }
    not_empty_.notify_one();
    return true;
  }

  // Blocks while the queue is empty. Returns nullopt when it is closed and no value is left.
  std::optional<T> pop() {
    // Without the lock: once closed, the queue gets no more values.
    if (closed_.load(std::memory_order_relaxed) && count_.load(std::memory_order_relaxed) == 0) {
      return std::nullopt;
    }
    std::optional<T> value;
    {
      std::unique_lock lock(mutex_);
      not_empty_.wait(lock, [this] { return closed_ || !values_.empty(); });
      if (values_.empty()) return std::nullopt;
      value = std::move(values_.front());
      values_.pop_front();
      count_.store(values_.size(), std::memory_order_relaxed);
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
  const std::size_t capacity_;
  lab::mutex mutex_;
  lab::condition_variable not_full_{"not_full"};
  lab::condition_variable not_empty_{"not_empty"};
  std::deque<T> values_;                         // guarded by mutex_
  lab::atomic<bool> closed_{false, "closed"};    // changed under mutex_
  lab::atomic<std::size_t> count_{0, "values"};  // changed under mutex_
};

}  // namespace worker_pool
