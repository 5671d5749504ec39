// Does the same work for many inputs, several at a time, and collects the results.
// Wrong: take() returns "" for an empty input, too, and the worker exits.
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
  lab::mutex mutex;      // guards results and next
  std::size_t next = 0;  // the index of the next input to take

  // Returns the next input and sets its index. Returns "" when none is left.
  const auto take = [&](std::size_t& at) {
    const std::lock_guard lock(mutex);
    if (next == inputs.size()) return std::string();
    at = next++;
    return inputs[at];
  };

  const auto run_worker = [&] {
    std::size_t i = 0;
    for (std::string input = take(i); !input.empty(); input = take(i)) {
      std::string result = work(input);
      const std::lock_guard lock(mutex);
      results[i] = std::move(result);
    }
  };

  std::vector<lab::thread> workers;
  for (int n = 0; n < kWorkers; ++n) workers.emplace_back("worker", run_worker);
  for (lab::thread& worker : workers) worker.join();  // before what they refer to is destroyed
  return results;
}

}  // namespace worker_pool
