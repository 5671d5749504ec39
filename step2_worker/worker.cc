#include "step2_worker/worker.h"

#include <exception>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace worker_pool {
namespace {

// The one place where an exception of a job stops: past the thread's own function it would be
// std::terminate. (WP-04)
JobResult run(const JobHandler& handler, const Job& job, const Context& ctx) {
  try {
    return handler(job, ctx);
  } catch (const std::exception& e) {
    const char* const what = e.what();
    return std::unexpected(JobError{JobError::Kind::kThrew, what != nullptr ? what : ""});
  } catch (...) {
    return std::unexpected(
        JobError{JobError::Kind::kThrew, "an exception that is not a std::exception"});
  }
}

JobResult ended_before_start(CancelReason why) {
  JobError error = ended(why);
  error.message += " before it started";
  return std::unexpected(std::move(error));
}

// Calls the observer; what it throws ends here.
template <class Call>
void tell(Call call) {
  try {
    call();
  } catch (...) {  // nobody is left to report it to: reporting is what has just failed
  }
}

JobResult start(int id, const Job& job, const JobHandler& handler, Observer& observer,
                const Context& ctx) {
  // Here, with the job in hand: it may have waited for any time (WP-09).
  if (const auto why = ctx.err()) return ended_before_start(*why);
  tell([&] { observer.job_started(id, job); });
  return run(handler, job, ctx);
}

JobResult attempt(int id, const Job& job, const JobHandler& handler, Observer& observer,
                  const Context& pool) {
  // A link costs an allocation, and a lock that all workers share. Most jobs can do without.
  if (!job.ctx.can_end()) return start(id, job, handler, observer, pool);
  const LinkedContext linked(job.ctx, pool);
  return start(id, job, handler, observer, linked.context());
}

void handle(int id, const Job& job, const JobHandler& handler, Observer& observer,
            const Context& pool) {
  JobResult result;
  try {
    result = attempt(id, job, handler, observer, pool);
  } catch (...) {  // no memory for the link or for a message; this one is short enough to need none
    result = std::unexpected(JobError{JobError::Kind::kThrew, "out of memory"});
  }
  tell([&] { observer.job_finished(id, job, result); });
}

}  // namespace

std::shared_ptr<Observer> never_null(std::shared_ptr<Observer> observer) {
  return observer ? std::move(observer) : std::make_shared<Observer>();
}

void worker(int id, Receiver<Job> queue, WaitGroup::Token done, JobHandler handler,
            std::shared_ptr<Observer> observer, Context pool) {
  // Locals are destroyed in reverse order: the token, first here, is released last of the three.
  const WaitGroup::Token leave_last = std::move(done);
  // Not std::move() alone: the moved-from handler may keep a copy of a small function (libc++
  // does).
  const JobHandler handle_job = std::exchange(handler, nullptr);
  const std::shared_ptr<Observer> watching = never_null(std::move(observer));

  while (const std::optional<Job> job = queue.receive()) {
    handle(id, *job, handle_job, *watching, pool);
  }
}

}  // namespace worker_pool
