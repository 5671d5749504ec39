// PendingResults: the promises of jobs that have not finished, and the observer that keeps them.
// ResultPool (result_pool.h) is the class to use.
#pragma once

#include <expected>
#include <functional>
#include <future>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/observer.h"

namespace worker_pool {

// What became of a job: its result, or why it has none.
template <class Result>
using Outcome = std::expected<Result, JobError>;

// Each promise is answered once: when its job has finished, or by end_all(). Whatever comes later
// finds no promise and changes nothing, so a job that was abandoned may finish late.
//
// Thread-safe. Waiting threads are woken without a lock held. The pool's workers share its
// ownership.
template <class Result>
class PendingResults final : public Observer {
  static_assert(std::is_nothrow_move_constructible_v<Outcome<Result>>,
                "a result that throws while it is moved could be lost on its way to its caller");

 public:
  using Handler = std::function<Outcome<Result>(const Job&, const Context&)>;

  // Throws std::invalid_argument if a job with this id has not finished.
  std::future<Outcome<Result>> expect(const std::string& id) {
    const std::lock_guard lock(mutex_);
    const auto [entry, is_new] = pending_.try_emplace(id);
    if (!is_new) {
      throw std::invalid_argument("ResultPool: a job with the id \"" + id +
                                  "\" has not finished; unfinished jobs need different ids");
    }
    return entry->second.promise.get_future();
  }

  // The job was refused.
  void forget(const std::string& id) noexcept { (void)take(id); }

  // Runs the handler, on a worker's thread, and keeps the result until job_finished(): until then
  // the worker's other observers have not seen it.
  JobResult run(const Handler& handler, const Job& job, const Context& ctx) {
    Outcome<Result> outcome = handler(job, ctx);
    if (!outcome) return std::unexpected(std::move(outcome.error()));
    const std::lock_guard lock(mutex_);
    const auto entry = pending_.find(job.id);
    if (entry != pending_.end()) entry->second.outcome.emplace(std::move(outcome));
    return {};
  }

  // Also called for a job that threw, and for one that was not run because its context had ended.
  void job_finished(int, const Job& job, const JobResult& result) override {
    std::optional<Outcome<Result>> error;
    if (!result) error.emplace(std::unexpected(copy_of(result.error())));
    auto entry = take(job.id);
    if (entry.empty()) return;
    Pending& pending = entry.mapped();
    if (!error && !pending.outcome) return;  // another job's, submitted after end_all() and refused
    pending.promise.set_value(std::move(error ? *error : *pending.outcome));
  }

  // Answers every promise that is left: these jobs have not finished, because of `why`.
  void end_all(CancelReason why) {
    Table left;
    {
      const std::lock_guard lock(mutex_);
      left.swap(pending_);
    }
    for (auto& [id, pending] : left) pending.promise.set_value(std::unexpected(ended(why)));
  }

 private:
  struct Pending {
    std::promise<Outcome<Result>> promise{};
    std::optional<Outcome<Result>> outcome{};  // of run()
  };
  using Table = std::unordered_map<std::string, Pending>;

  // Without memory for the message, the copy has none: the caller waits for an answer.
  static JobError copy_of(const JobError& error) noexcept {
    try {
      return error;
    } catch (const std::bad_alloc&) {
      return {.kind = error.kind, .ended_thread = error.ended_thread};
    }
  }

  typename Table::node_type take(const std::string& id) noexcept {
    const std::lock_guard lock(mutex_);
    return pending_.extract(id);
  }

  std::mutex mutex_;
  Table pending_;  // by the job's id; guarded by mutex_
};

}  // namespace worker_pool
