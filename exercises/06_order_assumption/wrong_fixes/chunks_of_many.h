// Does the same work for many inputs, several at a time, and collects the results.
#pragma once

#include <algorithm>
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

  // Few inputs one by one; of very many, several at a time, so that the workers do not fight for
  // `next`.
  const std::size_t chunk = std::max<std::size_t>(1, inputs.size() / (64 * std::size_t{kWorkers}));

  const auto run_worker = [&] {
    for (std::size_t begin = next.fetch_add(chunk); begin < inputs.size();
         begin = next.fetch_add(chunk)) {
      const std::size_t end = std::min(begin + chunk, inputs.size());
      for (std::size_t i = begin; i < end; ++i) {
        std::string result = work(inputs[i]);
        const std::lock_guard lock(mutex);
        results[i] = std::move(result);
      }
    }
  };

  std::vector<lab::thread> workers;
  for (int n = 0; n < kWorkers; ++n) workers.emplace_back("worker", run_worker);
  for (lab::thread& worker : workers) worker.join();  // before what they refer to is destroyed
  return results;
}

}  // namespace worker_pool
