// The smallest program that uses the pool.
//
//   ./bazelw run //full_pattern:demo
#include <chrono>
#include <expected>
#include <iostream>
#include <string>

#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step4_shutdown/shutdown.h"

using namespace std::chrono_literals;
using namespace worker_pool;

int main() {
  const JobHandler handler = [](const Job&, const Context& ctx) -> JobResult {
    if (ctx.sleep_for(10ms)) return {};  // the work
    return std::unexpected(ended(*ctx.err()));
  };
  WorkerPool pool({.workers = 3, .capacity = 100}, handler);
  for (int id = 1; id <= 5; ++id) {
    if (pool.submit(Job{.id = std::to_string(id)}) != SendStatus::kSent) return 1;
  }
  const ShutdownReport report = pool.shutdown({.drain = 5s, .cancel = 1s});
  std::cout << to_string(report.outcome) << ": " << pool.metrics().succeeded << " jobs succeeded\n";
}
