// The twin of docs/twins/go/pool.go: the five stages with the course's own nouns.
#include <chrono>
#include <cstddef>
#include <expected>
#include <iostream>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/worker.h"
#include "step3_dispatcher/dispatcher.h"
#include "step4_shutdown/exit.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

JobResult process(const Job& job, const Context&) {
  if (job.payload.empty()) {
    return std::unexpected(JobError{JobError::Kind::kFailed, "job " + job.id + " has no payload"});
  }
  return {};
}

// No lock: there is one worker, and main() prints only after it has exited.
class LogLines : public Observer {
 public:
  void job_started(int worker, const Job& job) override {
    std::cout << "Worker " << worker << " processing job " << job.id << "\n";
  }

  void job_finished(int /*worker*/, const Job& job, const JobResult& result) override {
    if (!result) {
      std::cout << "Job failed: " << result.error().message << "\n";
    } else {
      std::cout << "Job done: " << job.id << "\n";
    }
  }
};

void run() {
  Workers workers = start_workers(1, process, std::make_shared<LogLines>());
  std::stop_source stop;
  const Context cancelled(stop.get_token());
  stop.request_stop();

  const std::vector<std::byte> some_bytes(2);
  std::vector<Job> jobs{{.id = "a", .payload = some_bytes},
                        {.id = "b"},
                        {.id = "c", .payload = some_bytes},
                        {.id = "d", .payload = some_bytes, .ctx = cancelled},
                        {.id = "e", .payload = some_bytes}};
  for (Job& job : jobs) {
    if (workers.jobs.send(std::move(job)) != SendStatus::kSent) return;
  }

  if (shutdown(workers, {.drain = 5s}).outcome == ShutdownOutcome::kAbandoned) {
    std::cout << "Timeout: not all workers finished.\n";
    exit_without_destructors(1);
  }
  std::cout << "All workers finished. Safe to exit.\n";
}

}  // namespace
}  // namespace worker_pool

int main() { worker_pool::run(); }
