// The twin of docs/twins/go/errgroup.go, made of the course's own parts: workers, a stop source,
// and an observer that keeps the first error.
#include <expected>
#include <iostream>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/worker.h"
#include "step3_dispatcher/dispatcher.h"

namespace worker_pool {
namespace {

JobResult fetch(const Job& job, const Context& ctx) {
  if (job.id == "b") {
    return std::unexpected(JobError{JobError::Kind::kFailed, "b: connection refused"});
  }
  (void)ctx.sleep_for(kForever);  // slow: without a cancel it would take forever
  return std::unexpected(ended(*ctx.err()));
}

// Cancels the other jobs at the first error, after unlocking its mutex. (WP-31)
class FirstError : public Observer {
 public:
  explicit FirstError(std::stop_source others) : others_(std::move(others)) {}

  void job_finished(int /*worker*/, const Job&, const JobResult& result) override {
    if (result) return;
    keep(result.error());
    others_.request_stop();  // without the lock, because stop callbacks run in here
  }

  // To be called when the workers have exited.
  std::optional<JobError> error() const { return error_; }
  int cancelled() const { return cancelled_; }

 private:
  void keep(const JobError& error) {
    const std::lock_guard lock(mutex_);
    if (error.kind == JobError::Kind::kCancelled) ++cancelled_;
    if (!error_) error_ = error;
  }

  std::stop_source others_;
  std::mutex mutex_;               // guards the members below while there are workers
  std::optional<JobError> error_;  // the first one
  int cancelled_ = 0;
};

void run() {
  std::stop_source group;
  const auto first_error = std::make_shared<FirstError>(group);
  {
    Workers workers = start_workers(3, fetch, first_error);
    for (const std::string id : {"a", "b", "c"}) {
      Job job{.id = id, .ctx = Context(group.get_token())};
      if (workers.jobs.send(std::move(job)) != SendStatus::kSent) return;
    }
  }  // Wait: closes, drains, joins
  std::cout << "first error: " << first_error->error().value_or(JobError{}).message << "\n";
  std::cout << "cancelled: " << first_error->cancelled() << " of 2\n";
}

}  // namespace
}  // namespace worker_pool

int main() { worker_pool::run(); }
