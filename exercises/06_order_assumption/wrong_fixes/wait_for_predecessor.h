// Does the same work for many inputs, several of them at the same time, and collects the results.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "testing/lab/lab.h"

namespace worker_pool {

// Makes a result of an input. Called by several workers at the same time. Must not throw.
using Work = std::function<std::string(const std::string& input)>;

constexpr int kWorkers = 2;

// Returns when all the work is done. The results are in the order of the inputs: results[i] is what
// became of inputs[i].
inline std::vector<std::string> run_all(const std::vector<std::string>& inputs, const Work& work) {
  std::vector<std::string> results;
  lab::condition_variable stored{"stored"};
  lab::mutex mutex;                   // guards results
  lab::atomic<std::size_t> next = 0;  // the first input that no worker has taken

  const auto run_worker = [&] {
    for (std::size_t i = next++; i < inputs.size(); i = next++) {
      std::string result = work(inputs[i]);
      std::unique_lock lock(mutex);
      stored.wait(lock, [&] { return results.size() == i; });
      results.push_back(std::move(result));
      stored.notify_all();
    }
  };

  std::vector<lab::thread> workers;
  for (int n = 0; n < kWorkers; ++n) workers.emplace_back("worker", run_worker);
  for (lab::thread& worker : workers) worker.join();  // before anything they refer to is gone
  return results;
}

}  // namespace worker_pool
