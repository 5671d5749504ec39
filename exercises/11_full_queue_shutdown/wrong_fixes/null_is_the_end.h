// A bounded queue between threads: push() waits for room, pop() waits for a value.
#pragma once

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
    }
    not_empty_.notify_one();
    return true;
  }

  // Blocks while the queue is empty. Returns nullopt when it is closed and no value is left.
  std::optional<T> pop() {
    T value;
    {
      std::unique_lock lock(mutex_);
      not_empty_.wait(lock, [this] { return !values_.empty(); });
      value = std::move(values_.front());
      if (value || !closed_) values_.pop_front();  // the mark stays for the other consumers
    }
    not_full_.notify_one();
    if (!value) return std::nullopt;  // the mark that close() has pushed
    return value;
  }

  // The queue accepts no more values. Values already queued can still be popped.
  void close() {
    {
      const std::lock_guard lock(mutex_);
      if (closed_) return;
      closed_ = true;
      values_.push_back(T());
    }
    not_full_.notify_all();
    not_empty_.notify_all();
  }

 private:
  const std::size_t capacity_;
  lab::mutex mutex_;
  lab::condition_variable not_full_{"not_full"};
  lab::condition_variable not_empty_{"not_empty"};
  std::deque<T> values_;  // guarded by mutex_
  bool closed_ = false;   // guarded by mutex_
};

}  // namespace worker_pool
