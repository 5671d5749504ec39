// One worker receives five jobs. One fails, one throws, and one is past its deadline. The worker
// handles all five.
#include <chrono>
#include <cstddef>
#include <expected>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/observer.h"
#include "step2_worker/wait_group.h"
#include "step2_worker/worker.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

// Needs no lock: there is one worker, and main() prints only after the wait for that worker.
class LogLines : public Observer {
 public:
  void job_started(int worker, const Job& job) override {
    std::cout << "Worker " << worker << " processing job " << job.id << "\n";
  }

  void job_finished(int /*worker*/, const Job& /*job*/, const JobResult& result) override {
    if (!result) std::cout << "Job failed: " << result.error().message << "\n";
  }
};

JobResult process(const Job& job, const Context&) {
  if (job.payload.empty()) {
    return std::unexpected(JobError{JobError::Kind::kFailed, "job " + job.id + " has no payload"});
  }
  if (job.payload.size() > 64) throw std::length_error("job " + job.id + " is too large");
  return {};
}

std::vector<std::byte> bytes(std::size_t size) { return std::vector<std::byte>(size); }

void run() {
  auto [jobs, queue] = make_channel<Job>(100);
  WaitGroup group;
  const std::jthread thread(worker, 1, queue, group.add(), process, std::make_shared<LogLines>(),
                            Context());

  for (Job job :
       {Job{.id = "a", .payload = bytes(2)}, Job{.id = "b"}, Job{.id = "c", .payload = bytes(100)},
        Job{.id = "d", .payload = bytes(2), .ctx = Context().with_timeout(0s)},
        Job{.id = "e", .payload = bytes(2)}}) {
    if (jobs.send(std::move(job)) != SendStatus::kSent) return;  // kClosed: cannot happen here
  }
  jobs.close();
  if (!group.wait_for(5s)) std::cout << "The worker is still busy after 5 s\n";

  Job late{.id = "f"};
  if (jobs.send(std::move(late)) == SendStatus::kClosed) {
    std::cout << "Closed: job " << late.id << " is still ours\n";
  }
}

}  // namespace
}  // namespace worker_pool

int main() { worker_pool::run(); }
