// One worker takes three jobs from a channel; the second one fails, the third is done anyway.
#include <expected>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/wait_group.h"
#include "step2_worker/worker.h"

namespace worker_pool {
namespace {

// No lock: there is one worker, and main() does not print before it has left.
class LogLines : public Observer {
 public:
  void job_started(int worker, const Job& job) override {
    std::cout << "Worker " << worker << " processing job " << job.id << "\n";
  }

  void job_finished(int /*worker*/, const Job& /*job*/, const JobResult& result) override {
    if (!result) std::cout << "Job failed: " << result.error().message << "\n";
  }
};

JobResult handle(const Job& job, const Context&) {
  if (job.id == "b") {
    return std::unexpected(JobError{JobError::Kind::kFailed, "job b has no payload"});
  }
  return {};
}

void run() {
  auto [jobs, queue] = make_channel<Job>(100);
  WaitGroup group;
  const std::jthread thread(worker, 1, queue, group.add(), handle, std::make_shared<LogLines>(),
                            Context());

  for (const std::string id : {"a", "b", "c"}) {
    if (jobs.send(Job{.id = id}) != SendStatus::kSent) return;  // only if somebody had closed it
  }
  jobs.close();
  group.wait();

  Job late{.id = "d"};
  if (jobs.send(std::move(late)) == SendStatus::kClosed) {
    std::cout << "Closed: job " << late.id << " is still ours\n";
  }
}

}  // namespace
}  // namespace worker_pool

int main() { worker_pool::run(); }
