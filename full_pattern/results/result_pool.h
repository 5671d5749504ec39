// ResultPool: a pool whose jobs have results, which arrive in a std::future.
//
//   ResultPool<Image> pool({.workers = 3}, [](const Job& job, const Context&) -> Outcome<Image> {
//     return shrink(job.payload);
//   });
//   auto image = pool.submit(Job{.id = "cat.png", .payload = std::move(bytes)});
//   if (!image) return refuse(image.error());        // kClosed; the job is still ours
//   const Outcome<Image> outcome = image->get();     // blocks until the job has finished
//   if (!outcome) return log(outcome.error());       // failed, threw, late, canceled or shut down
//
// Every future of an accepted job gets an outcome, at the latest when shutdown() returns or the
// pool is destroyed. So no thread waits forever, and none gets a broken promise. (WP-38)
#pragma once

#include <expected>
#include <future>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>

#include "full_pattern/observers/observe_with.h"
#include "full_pattern/results/pending_results.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {

// As thread-safe as WorkerPool.
template <class Result>
class ResultPool {
 public:
  // As a JobHandler, but with a result. `Result` may be void, and must not throw when it is moved.
  using Handler = PendingResults<Result>::Handler;
  // The outcome of an accepted job, or why the job was refused.
  using Submitted = std::expected<std::future<Outcome<Result>>, SendStatus>;

  // Throws as WorkerPool's constructor does. `observer` may be null. It sees a job finish before
  // the job's future is ready.
  ResultPool(WorkerPool::Options options, Handler handler,
             std::shared_ptr<Observer> observer = nullptr)
      : pool_(options, job_handler(std::move(handler), rest_.results),
              observe_with({std::move(observer), rest_.results})) {}

  // As ~WorkerPool(), and then the futures that are left end with JobError::Kind::kShutDown. In a
  // child process of fork(), it does nothing, and the futures get no outcome. (WP-36)
  ~ResultPool() {
    if (!pool_.in_forked_child()) return;
    // Kept forever: another thread may have been changing it when the process forked.
    (void)std::make_unique<std::shared_ptr<Results>>(std::move(rest_.results)).release();
  }

  ResultPool(const ResultPool&) = delete;
  ResultPool& operator=(const ResultPool&) = delete;

  // As WorkerPool's functions of the same names. Throws std::invalid_argument, and leaves the job
  // alone, if a job with the same id was accepted and has not finished, or if another thread is
  // submitting one: that thread may wait for room, and its job may yet be refused.
  [[nodiscard]] Submitted submit(Job&& job, const Context& ctx = {}) {
    return send(job.id, [&] { return pool_.submit(std::move(job), ctx); });
  }
  [[nodiscard]] Submitted try_submit(Job&& job) {
    return send(job.id, [&] { return pool_.try_submit(std::move(job)); });
  }

  void close() noexcept { pool_.close(); }

  // As WorkerPool::shutdown(). The futures of jobs that have not finished, among them the abandoned
  // ones, then end with JobError::Kind::kShutDown, which says nothing about the job: the ones that
  // were not started are in the report.
  ShutdownReport shutdown(ShutdownLimits limits = {}, std::stop_token cancel_now = {}) {
    ShutdownReport report = pool_.shutdown(limits, std::move(cancel_now));
    rest_.results->end_all(CancelReason::kShutDown);
    return report;
  }

  Metrics metrics() const { return pool_.metrics(); }

 private:
  using Results = PendingResults<Result>;

  // Answers for the jobs that are left, when the pool has been destroyed.
  struct Rest {
    // Also owned by the workers, which may be abandoned. Null in a forked child.
    std::shared_ptr<Results> results = std::make_shared<Results>();
    Rest() = default;
    Rest(const Rest&) = delete;
    Rest& operator=(const Rest&) = delete;
    ~Rest() {
      if (results != nullptr) results->end_all(CancelReason::kShutDown);
    }
  };

  // Empty if `handler` is, so that the pool refuses it.
  static JobHandler job_handler(Handler handler, std::shared_ptr<Results> results) {
    if (!handler) return nullptr;
    return [handler = std::move(handler), results = std::move(results)](
               const Job& job, const Context& ctx) { return results->run(handler, job, ctx); };
  }

  // Expects the result before the job is sent: the job may finish before send_job() returns. `id`
  // is the job's own. After send_job() it is read only if the job was refused, so it is unchanged.
  template <class SendJob>
  Submitted send(const std::string& id, SendJob send_job) {
    std::future<Outcome<Result>> outcome = rest_.results->expect(id);
    struct ForgetUnlessSent {
      Results& results;
      const std::string& id;
      std::future<Outcome<Result>>& outcome;
      SendStatus status = SendStatus::kClosed;
      ~ForgetUnlessSent() {
        if (status == SendStatus::kSent) return;
        outcome = {};  // first: with a future left, ~promise() would need memory for an error
        results.forget(id);
      }
    };
    ForgetUnlessSent sent{*rest_.results, id, outcome};
    sent.status = send_job();
    if (sent.status != SendStatus::kSent) return std::unexpected(sent.status);
    return outcome;
  }

  Rest rest_;
  WorkerPool pool_;  // declared last: its jobs may use the other members until it is destroyed
};

}  // namespace worker_pool
