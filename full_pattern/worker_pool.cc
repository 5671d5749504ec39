#include "full_pattern/worker_pool.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <stop_token>
#include <utility>

#include "full_pattern/fast_channel/fast_channel.h"
#include "step1_job/linked_context.h"

namespace worker_pool {

namespace {

std::pair<Sender<Job>, Receiver<Job>> make_channel_of(const WorkerPool::Options& options) {
  switch (options.channel) {
    case ChannelKind::kSimple:
      return make_channel<Job>(options.capacity);
    case ChannelKind::kFast:
      return make_fast_channel<Job>(options.capacity);
  }
  throw std::invalid_argument("WorkerPool: channel is neither ChannelKind::kSimple nor kFast");
}

}  // namespace

ShutdownReport hand_over(ShutdownReport& kept) {
  ShutdownReport report = {.outcome = kept.outcome,
                           .still_running = kept.still_running,
                           .closed_at = kept.closed_at,
                           .cancelled_at = kept.cancelled_at,
                           .abandoned_at = kept.abandoned_at};
  report.not_started.swap(kept.not_started);  // once nothing can throw any more
  return report;
}

WorkerPool::WorkerPool(Options options, JobHandler handler, std::shared_ptr<Observer> observer)
    : observed_(observer != nullptr),
      workers_(start_workers(options.workers, std::move(handler), std::move(observer),
                             make_channel_of(options))) {}

WorkerPool::~WorkerPool() {
  // After shutdown() everything is done, and request_stop() could run stop callbacks of abandoned
  // jobs. Inside a job, ~Workers ends the program with a message.
  // The first question takes no lock: in a child of fork(), a lock may stay locked forever. (WP-36)
  if (in_forked_child() || report_ || workers_.running->on_this_thread()) return;
  workers_.jobs.close_and_drop_pending();
  workers_.stop.request_shut_down();
  // ~Workers joins the threads. All of them have been asked to stop by now. (WP-19)
}

SendStatus WorkerPool::submit(Job&& job, const Context& ctx) {
  stamp(job);
  if (ctx.err()) return settled(SendStatus::kContextEnded, job);
  const SendStatus status = workers_.jobs.try_send(std::move(job));
  if (status != SendStatus::kFull) return settled(status, job);
  if (!ctx.can_end()) return settled(workers_.jobs.send(std::move(job), job.ctx), job);
  const LinkedContext linked(job.ctx, ctx);
  return settled(workers_.jobs.send(std::move(job), linked.context()), job);
}

SendStatus WorkerPool::try_submit(Job&& job) {
  stamp(job);
  return settled(workers_.jobs.try_send(std::move(job)), job);
}

SendStatus WorkerPool::submit_for(Job&& job, Clock::duration timeout) {
  stamp(job);
  const SendStatus status = workers_.jobs.try_send(std::move(job));
  if (status != SendStatus::kFull) return settled(status, job);
  return settled(workers_.jobs.send_for(std::move(job), timeout, job.ctx), job);
}

void WorkerPool::check_may_shut_down() const {
  if (in_forked_child()) {
    throw std::logic_error(
        "WorkerPool::shutdown: called in a child process of fork(), which has none of the workers' "
        "threads");
  }
  if (workers_.running->on_this_thread()) {
    throw std::logic_error("WorkerPool::shutdown: called by one of the pool's own jobs");
  }
}

ShutdownReport WorkerPool::shutdown(ShutdownLimits limits, std::stop_token cancel_now) {
  // Checked before locking, so that a job is refused at once even while another thread shuts the
  // pool down. (WP-15)
  check_may_shut_down();
  const std::lock_guard lock(shutdown_mutex_);
  if (!report_) report_ = worker_pool::shutdown(workers_, limits, std::move(cancel_now));
  return hand_over(*report_);
}

// The channel is read while no job can finish, so the numbers add up.
Metrics WorkerPool::metrics() const {
  ChannelStats channel;
  const FinishedJobs finished =
      workers_.running->count_finished([&] { channel = workers_.jobs.stats(); });
  return {
      .submitted = channel.sent,
      .rejected = rejected_,
      .succeeded = finished.succeeded,
      .failed = finished.failed,
      .shut_down = finished.shut_down,
      .not_started = channel.sent - channel.received - channel.queued,
      .queued = channel.queued,
      .running = static_cast<std::size_t>(channel.received - finished.succeeded - finished.failed),
      .blocked_submits = channel.blocked_senders,
  };
}

void WorkerPool::stamp(Job& job) const {
  if (observed_) job.submitted = Clock::now();  // only observers read it
}

// Counts a refused job, and empties the variable of a sent one.
SendStatus WorkerPool::settled(SendStatus status, Job& job) {
  if (status == SendStatus::kSent) {
    recycle(job);
  } else {
    ++rejected_;
  }
  return status;
}

}  // namespace worker_pool
