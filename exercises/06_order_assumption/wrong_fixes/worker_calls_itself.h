// Does the same work for many inputs, several at a time, and collects the results.
#pragma once

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "testing/lab/lab.h"

namespace worker_pool {

// Turns an input into its result. Several workers call it at the same time. Must not throw.
using Work = std::function<std::string(const std::string& input)>;

constexpr int kWorkers = 2;

// Returns when all the work is finished. The results are in the order of the inputs: results[i] is
// the result of inputs[i].
inline std::vector<std::string> run_all(const std::vector<std::string>& inputs, const Work& work) {
  std::vector<std::string> results(inputs.size());
  lab::mutex mutex;                   // guards results
  lab::atomic<std::size_t> next = 0;  // the index of the next input to take

  const std::function<void()> run_worker = [&] {  // does one job, and then the next one
    const std::size_t i = next++;
    if (i >= inputs.size()) return;
    std::string result = work(inputs[i]);
    {
      const std::lock_guard lock(mutex);
      results[i] = std::move(result);
    }
    run_worker();
  };

  std::vector<lab::thread> workers;
  for (int n = 0; n < kWorkers; ++n) workers.emplace_back("worker", run_worker);
  for (lab::thread& worker : workers) worker.join();  // before what they refer to is destroyed
  return results;
}

}  // namespace worker_pool
