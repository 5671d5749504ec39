// The interface of the exercise on the course's own code, which does all the work: the channel and
// the worker of step 2, the dispatcher of step 3, and the shutdown of step 4.
#pragma once

#include <cstddef>
#include <expected>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/observer.h"
#include "step2_worker/wait_group.h"
#include "step2_worker/worker.h"
#include "step3_dispatcher/dispatcher.h"
#include "step4_shutdown/shutdown.h"

namespace your_pool {

// --- Stage 1: the channel ------------------------------------------------------------------------

using worker_pool::SendStatus;

// Both ends of a channel of step 2.
template <class T>
class Channel {
 public:
  explicit Channel(std::size_t capacity) : ends_(worker_pool::make_channel<T>(capacity)) {}

  [[nodiscard]] SendStatus send(T&& value) { return ends_.first.send(std::move(value)); }
  [[nodiscard]] SendStatus try_send(T&& value) { return ends_.first.try_send(std::move(value)); }
  [[nodiscard]] std::optional<T> receive() { return ends_.second.receive(); }
  void close() { ends_.first.close(); }
  [[nodiscard]] std::vector<T> close_and_take_pending() {
    return ends_.first.close_and_take_pending();
  }

  worker_pool::Receiver<T> receiver() const { return ends_.second; }

 private:
  std::pair<worker_pool::Sender<T>, worker_pool::Receiver<T>> ends_;
};

// --- Stage 2: the worker -------------------------------------------------------------------------

using worker_pool::Job;
using JobResult = std::expected<void, std::string>;
using JobHandler = std::function<JobResult(const Job&, std::stop_token)>;
using JobFinished = std::function<void(const Job&, const JobResult&)>;

inline worker_pool::JobHandler adapted(JobHandler handler) {
  return [handler = std::move(handler)](const Job& job,
                                        const worker_pool::Context& ctx) -> worker_pool::JobResult {
    const JobResult result = handler(job, ctx.stop_token());
    if (result) return {};
    return std::unexpected(worker_pool::JobError{.message = result.error()});
  };
}

class Reports final : public worker_pool::Observer {
 public:
  explicit Reports(JobFinished finished) : finished_(std::move(finished)) {}

  void job_finished(int, const Job& job, const worker_pool::JobResult& result) override {
    finished_(job, result ? JobResult() : std::unexpected(result.error().message));
  }

 private:
  const JobFinished finished_;
};

inline void run_worker(Channel<Job>& jobs, const JobHandler& handler, const JobFinished& finished,
                       std::stop_token stop) {
  worker_pool::worker(1, jobs.receiver(), worker_pool::WaitGroup().add(), adapted(handler),
                      std::make_shared<Reports>(finished), worker_pool::Context(std::move(stop)));
}

// --- Stages 3 and 4: the pool and its shutdown ---------------------------------------------------

using worker_pool::ShutdownLimits;
using worker_pool::ShutdownOutcome;
using worker_pool::ShutdownReport;

class WorkerPool {
 public:
  struct Options {
    int workers = 3;
    std::size_t capacity = 100;
  };

  WorkerPool(Options options, JobHandler handler, JobFinished finished)
      : workers_(worker_pool::start_workers(options.workers, adapted(std::move(handler)),
                                            std::make_shared<Reports>(std::move(finished)),
                                            options.capacity)) {}

  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  [[nodiscard]] SendStatus submit(Job&& job) { return workers_.jobs.send(std::move(job)); }
  [[nodiscard]] SendStatus try_submit(Job&& job) { return workers_.jobs.try_send(std::move(job)); }

  ShutdownReport shutdown(ShutdownLimits limits) {
    if (workers_.running->on_this_thread()) {  // before the lock, for which it would wait forever
      throw std::logic_error("shutdown: called by one of the pool's own jobs");
    }
    const std::lock_guard lock(shutdown_mutex_);
    if (report_) return *report_;
    ShutdownReport report = worker_pool::shutdown(workers_, limits);
    report_ = ShutdownReport{.outcome = report.outcome, .still_running = report.still_running};
    return report;
  }

 private:
  std::mutex shutdown_mutex_;
  std::optional<ShutdownReport> report_;  // without the jobs; guarded by shutdown_mutex_
  worker_pool::Workers workers_;          // last: its threads are joined first
};

}  // namespace your_pool
