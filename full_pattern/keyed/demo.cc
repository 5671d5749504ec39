// Orders of two customers: each customer's are handled one at a time, in their order.
#include <chrono>
#include <expected>
#include <iostream>
#include <string>
#include <syncstream>

#include "full_pattern/keyed/keyed_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

std::string customer_of(const Job& job) { return job.id.substr(0, job.id.find('/')); }

JobResult handle(const Job& job, const Context& ctx) {
  std::osyncstream(std::cout) << "start  " << job.id << "\n";
  const bool slept = ctx.sleep_for(customer_of(job) == "ann" ? 100ms : 40ms);
  if (!slept) return std::unexpected(ended(*ctx.err()));
  std::osyncstream(std::cout) << "finish " << job.id << "\n";
  return {};
}

int run() {
  KeyedPool pool({.workers = 3}, customer_of, handle);
  for (const std::string id : {"ann/1", "ann/2", "bob/1", "bob/2"}) {
    if (pool.submit(Job{.id = id}) != SendStatus::kSent) return 1;
  }
  (void)pool.shutdown();
  return 0;
}

}  // namespace
}  // namespace worker_pool

int main() { return worker_pool::run(); }
