// Does the same work for many inputs, several at a time, and collects the results.
// Wrong: a worker between its check and its sleep misses that the channel is closed.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "testing/lab/lab.h"

namespace worker_pool {

// Turns an input into its result. Several workers call it at the same time. Must not throw.
using Work = std::function<std::string(const std::string& input)>;

constexpr int kWorkers = 2;

// Hands the indices of the inputs to the workers.
class Channel {
 public:
  void push(std::size_t index) {
    {
      const std::lock_guard lock(mutex_);
      indices_.push_back(index);
    }
    ready_.notify_one();
  }

  // No index is pushed after this.
  void close() {
    closed_ = true;
    ready_.notify_all();
  }

  // Blocks until there is an index. Returns nullopt when closed and no index is left.
  std::optional<std::size_t> pop() {
    std::unique_lock lock(mutex_);
    ready_.wait(lock, [this] { return closed_ || !indices_.empty(); });
    if (indices_.empty()) return std::nullopt;
    const std::size_t index = indices_.front();
    indices_.pop_front();
    return index;
  }

 private:
  lab::mutex mutex_;
  lab::condition_variable ready_{"ready"};
  std::deque<std::size_t> indices_;  // guarded by mutex_
  lab::atomic<bool> closed_{false, "closed"};
};

// Returns when all the work is finished. The results are in the order of the inputs: results[i] is
// the result of inputs[i].
inline std::vector<std::string> run_all(const std::vector<std::string>& inputs, const Work& work) {
  std::vector<std::string> results(inputs.size());
  lab::mutex mutex;  // guards results
  Channel channel;

  const auto run_worker = [&] {
    while (const std::optional<std::size_t> i = channel.pop()) {
      std::string result = work(inputs[*i]);
      const std::lock_guard lock(mutex);
      results[*i] = std::move(result);
    }
  };

  std::vector<lab::thread> workers;
  for (int n = 0; n < kWorkers; ++n) workers.emplace_back("worker", run_worker);
  for (std::size_t i = 0; i < inputs.size(); ++i) channel.push(i);
  channel.close();
  for (lab::thread& worker : workers) worker.join();  // before what they refer to is destroyed
  return results;
}

}  // namespace worker_pool
