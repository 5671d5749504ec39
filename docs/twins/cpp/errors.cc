// The twin of docs/twins/go/errors.go.
#include <expected>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <string>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/wait_group.h"
#include "step2_worker/worker.h"

namespace worker_pool {
namespace {

JobResult process(const Job& job, const Context&) {
  if (job.id == "b") return std::unexpected(JobError{JobError::Kind::kFailed, "no payload"});
  if (job.id == "c") throw std::runtime_error("rule 7 is broken");
  return {};
}

class Results : public Observer {
 public:
  void job_finished(int /*worker*/, const Job& job, const JobResult& result) override {
    if (!result) {
      std::cout << job.id << " " << to_string(result.error().kind) << ": " << result.error().message
                << "\n";
      return;
    }
    std::cout << job.id << " succeeded\n";
  }
};

void run() {
  auto [jobs, queue] = make_channel<Job>(4);
  for (const std::string id : {"a", "b", "c", "d"}) {
    if (jobs.send(Job{.id = id}) != SendStatus::kSent) return;
  }
  jobs.close();
  // worker() catches it. It is an ordinary function: here the main thread runs it.
  worker(1, queue, WaitGroup().add(), process, std::make_shared<Results>(), Context());
}

}  // namespace
}  // namespace worker_pool

int main() { worker_pool::run(); }
