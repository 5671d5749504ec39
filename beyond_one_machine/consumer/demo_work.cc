#include "consumer/demo_work.h"

#include <chrono>
#include <cstdlib>
#include <expected>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include "step1_job/context.h"

namespace worker_pool {
namespace {

using std::chrono::milliseconds;

std::unexpected<JobError> failure(std::string why) {
  return std::unexpected(JobError{JobError::Kind::kFailed, std::move(why)});
}

JobResult work(const std::string& verb, milliseconds duration, const Context& ctx) {
  if (verb == "sleep") {
    if (ctx.sleep_for(duration)) return {};
    return std::unexpected(ended(*ctx.err()));
  }
  if (verb == "crash") std::abort();
  if (verb == "ignore") {
    std::this_thread::sleep_for(duration);  // on purpose without the context (WP-10)
    return {};
  }
  return failure(verb == "fail" ? "it always fails" : "unknown work: " + verb);
}

// Tries again while the broker cannot be reached: the work itself is done.
JobResult store(const Table& results, const Job& job, const std::string& result,
                const JobEvent& event, const Context& ctx) {
  while (true) {
    try {
      event(results.create(job.id, result) ? "stored" : "stored before", job.id);
      return {};
    } catch (const BrokerError& error) {
      if (!ctx.sleep_for(milliseconds(50))) return std::unexpected(ended(*ctx.err()));
    }
  }
}

}  // namespace

JobHandler demo_work(std::string name, Table results, JobEvent event) {
  return [name = std::move(name), results = std::move(results), event = std::move(event)](
             const Job& job, const Context& ctx) -> JobResult {
    std::istringstream words(
        std::string(reinterpret_cast<const char*>(job.payload.data()), job.payload.size()));
    std::string verb;
    int ms = 0;
    words >> verb >> ms;
    if (const JobResult result = work(verb, milliseconds(ms), ctx); !result) return result;
    return store(results, job, name, event, ctx);
  };
}

}  // namespace worker_pool
