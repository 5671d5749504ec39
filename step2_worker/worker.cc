#include "step2_worker/worker.h"

#include <exception>
#include <expected>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "step1_job/linked_context.h"
#include "step2_worker/forced_unwind.h"

namespace worker_pool {
namespace {

// Catches whatever a handler throws: an exception that left the thread's own function would call
// std::terminate. (WP-04)
JobResult run(const JobHandler& handler, const Job& job, const Context& ctx) {
  try {
    return handler(job, ctx);
  } catch (const std::exception& e) {
    const char* const what = e.what();
    return std::unexpected(JobError{JobError::Kind::kThrew, what != nullptr ? what : ""});
  } catch (...) {
    rethrow_forced_unwind();
    return std::unexpected(
        JobError{JobError::Kind::kThrew, "an exception that is not a std::exception"});
  }
}

JobResult ended_its_thread() {
  // This text fits into the string object, without an allocation that could fail.
  return std::unexpected(
      JobError{.kind = JobError::Kind::kThrew, .message = "thread exited", .ended_thread = true});
}

JobResult ended_before_start(CancelReason why) {
  try {
    JobError error = ended(why);
    error.message += " before it started";
    return std::unexpected(std::move(error));
  } catch (const std::bad_alloc&) {
    return std::unexpected(JobError{.kind = kind_of(why)});  // the reason matters, not the text
  }
}

// Returns why the job must not start, if so: what the err() of a link of both contexts would say,
// unless the reason is the pool's shutdown. That has taken back the jobs that no worker has
// received, and this one was received, so it is up to its handler what to do.
std::optional<CancelReason> reason_not_to_start(const Context& job, const Context& pool_ctx) {
  const auto of_job = job.err();
  auto of_pool = pool_ctx.err();
  if (of_pool == CancelReason::kShutDown) of_pool.reset();
  if (!of_job) return of_pool;
  const bool job_is_late = *of_job == CancelReason::kDeadlineExceeded;
  return job_is_late && of_pool ? of_pool : of_job;
}

// Calls the observer and drops any exception it throws.
template <class Call>
void tell(Call call) {
  try {
    call();
  } catch (...) {  // nowhere to report it: the report itself failed
    rethrow_forced_unwind();
  }
}

JobResult start(int id, const Job& job, const JobHandler& handler, Observer& observer,
                const Context& ctx) {
  tell([&] { observer.job_started(id, job); });
  return run(handler, job, ctx);
}

JobResult start_or_refuse(int id, const Job& job, const JobHandler& handler, Observer& observer,
                          const Context& pool_ctx) {
  // Checked when the job starts, not when it was sent: it may have waited a long time. (WP-09) It
  // has left the queue, so it gets a result even if it does not start. (WP-43) Checked before there
  // is a link, so that the reason is reported even without memory for one.
  if (const auto why = reason_not_to_start(job.ctx, pool_ctx)) return ended_before_start(*why);
  // A link costs two allocations and a lock that all workers share. Most jobs do not need one.
  if (!job.ctx.can_end()) return start(id, job, handler, observer, pool_ctx);
  const LinkedContext linked(job.ctx, pool_ctx);
  return start(id, job, handler, observer, linked.context());
}

// Throws only what ends the thread.
JobResult attempt(int id, const Job& job, const JobHandler& handler, Observer& observer,
                  const Context& pool_ctx) {
  try {
    return start_or_refuse(id, job, handler, observer, pool_ctx);
  } catch (...) {
    rethrow_forced_unwind();
    // No memory for the link or a message. This text fits without an allocation.
    return std::unexpected(JobError{JobError::Kind::kThrew, "out of memory"});
  }
}

JobResult result_of(int id, const Job& job, const JobHandler& handler, Observer& observer,
                    const Context& pool_ctx) {
  try {
    JobResult result = attempt(id, job, handler, observer, pool_ctx);
    end_thread_if_canceled();  // whatever the result is: no later report could say that it ends
    return result;
  } catch (...) {
    tell([&] { observer.job_finished(id, job, ended_its_thread()); });
    throw;
  }
}

// receive_into() has released the channel's lock: none is held while the job runs. (WP-52)
void handle(int id, const Job& job, const JobHandler& handler, Observer& observer,
            const Context& pool_ctx) {
  const JobResult result = result_of(id, job, handler, observer, pool_ctx);
  tell([&] { observer.job_finished(id, job, result); });
  end_thread_if_canceled();  // by the observer: before the worker receives another job
}

}  // namespace

void worker(int id, Receiver<Job> queue, WaitGroup::Token done, JobHandler handler,
            std::shared_ptr<Observer> observer, Context pool_ctx) {
  // Locals are destroyed in reverse order, so the token, declared first, is released last.
  const WaitGroup::Token leave_last = std::move(done);
  // Not std::move(): a moved-from std::function may keep a copy of a small callable. libc++'s does.
  const JobHandler handle_job = std::exchange(handler, nullptr);
  const std::shared_ptr<Observer> owned = std::move(observer);
  Observer none;  // not never_null(): it allocates memory, and an exception would end the program
  Observer* const watching = owned != nullptr ? owned.get() : &none;

  std::optional<Job> job;
  while (queue.receive_into(job)) handle(id, *job, handle_job, *watching, pool_ctx);
}

}  // namespace worker_pool
