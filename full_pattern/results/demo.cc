// Four jobs with results, and a shutdown that answers for the two that have none.
#include <charconv>
#include <chrono>
#include <expected>
#include <future>
#include <iostream>
#include <map>
#include <string>
#include <system_error>
#include <utility>

#include "full_pattern/results/result_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

// Doubles the number in the job's id.
Outcome<int> twice(const Job& job, const Context& ctx) {
  if (job.id == "slow" && !ctx.sleep_for(1h)) return std::unexpected(ended(*ctx.err()));
  int number = 0;
  const char* const end = job.id.data() + job.id.size();
  if (std::from_chars(job.id.data(), end, number).ec != std::errc{}) {
    return std::unexpected(JobError{.message = "not a number"});
  }
  return 2 * number;
}

int run() {
  ResultPool<int> pool({.workers = 1}, twice);
  std::map<std::string, std::future<Outcome<int>>> outcomes;
  for (const std::string id : {"21", "many", "slow", "4"}) {
    auto outcome = pool.submit(Job{.id = id});
    if (!outcome) return 1;
    outcomes[id] = std::move(*outcome);
  }
  const ShutdownReport report = pool.shutdown({.drain = 100ms, .cancel = 1s});
  for (auto& [id, future] : outcomes) {
    const Outcome<int> outcome = future.get();
    std::cout << id << ": " << (outcome ? std::to_string(*outcome) : outcome.error().message)
              << "\n";
  }
  for (const Job& job : report.not_started) std::cout << "not started: " << job.id << "\n";
  return 0;
}

}  // namespace
}  // namespace worker_pool

int main() { return worker_pool::run(); }
