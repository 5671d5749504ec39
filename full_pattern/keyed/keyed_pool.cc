#include "full_pattern/keyed/keyed_pool.h"

#include <algorithm>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <map>
#include <new>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "full_pattern/observers/observe_with.h"
#include "step2_worker/forced_unwind.h"
#include "step2_worker/scoped_count.h"

namespace worker_pool {

// The jobs that have been accepted and not passed on to the pool.
//
// A job is passed on with try_submit(), which never blocks, so a worker may do it. If the pool is
// full, the job stays in `ready_` until a worker starts or finishes the next job. One will: a full
// pool has jobs in its queue.
class KeyedPool::WaitingJobs final : public Observer {
 public:
  WaitingJobs(const WorkerPool::Options& options, KeyOf key_of)
      : capacity_(options.capacity), key_of_(std::move(key_of)), workers_(options.workers) {
    if (!key_of_) throw std::invalid_argument("KeyedPool: key_of is empty");
  }

  // From now on jobs are passed on to `pool`, until pass_on_to(nullptr).
  void pass_on_to(WorkerPool* pool) {
    const std::lock_guard lock(mutex_);
    pool_ = pool;
  }

  // Blocks for room until `ctx` ends, and then returns `if_full`.
  SendStatus add(Job&& job, const Context& ctx, SendStatus if_full) {
    const std::string key = key_of_(job);
    std::unique_lock lock(mutex_);
    {
      const ScopedCount counted(blocked_submits_);
      wait(lock, ctx, [this] { return closed_at_ || count_ < capacity_; });
    }
    if (closed_at_) return refused(SendStatus::kClosed);
    if (count_ == capacity_) return refused(if_full);
    std::list<Job> one;
    one.push_back({});  // before anything changes: it may throw
    const auto [entry, key_is_free] = busy_.try_emplace(key);
    one.front() = std::exchange(job, {});
    std::list<Job>& line = key_is_free ? ready_ : entry->second;
    line.splice(line.end(), one);
    ++count_;
    pass_on();
    return SendStatus::kSent;
  }

  // There is room in the pool again. Otherwise a ready job would wait for the end of another job,
  // although a worker is idle.
  void job_started(int, const Job&) override {
    const std::lock_guard lock(mutex_);
    pass_on();
  }

  // Makes the next job of the key ready. Except for pass_on(), which catches std::bad_alloc,
  // nothing allocates memory or throws under the lock.
  void job_finished(int, const Job& job, const JobResult& result) override {
    if (!result && result.error().ended_thread) lose_worker();
    const std::optional<std::string> key = key_again(job);
    const std::lock_guard lock(mutex_);
    const auto entry = key ? busy_.find(*key) : busy_.end();
    if (entry == busy_.end()) {
      ++lost_keys_;
    } else if (std::list<Job>& line = entry->second; line.empty()) {
      busy_.erase(entry);
    } else {
      ready_.splice(ready_.end(), line, line.begin());
    }
    pass_on();
    if (lost_keys_ > 0) changed_.notify_all();  // there may be no other keys left
  }

  void close() noexcept {
    const std::lock_guard lock(mutex_);
    if (!closed_at_) closed_at_ = Clock::now();
    changed_.notify_all();
  }

  // Blocks until every job has been passed on whose key is not lost, no worker is left that could
  // do it, memory runs out, or `ctx` ends. Then no job is passed on any more.
  void wait_until_passed_on(const Context& ctx) {
    std::unique_lock lock(mutex_);
    pass_on();  // in case memory ran out the last time
    wait(lock, ctx, [this] {
      return count_ == 0 || busy_.size() == lost_keys_ || workers_ == 0 || memory_ran_out_ ||
             pool_ == nullptr;
    });
    pool_ = nullptr;
  }

  // Completes the report of the pool, which has been shut down. If memory runs out, changes
  // nothing.
  void complete(ShutdownReport& report) {
    const std::lock_guard lock(mutex_);
    report.not_started.reserve(report.not_started.size() + count_);
    take(ready_, report.not_started);
    for (auto& [key, line] : busy_) take(line, report.not_started);
    // The pool may have drained while jobs waited here for their key.
    if (count_ > 0 && report.outcome == ShutdownOutcome::kDrained) {
      report.outcome = ShutdownOutcome::kCancelled;
      report.cancelled_at = Clock::now();
    }
    taken_back_ += std::exchange(count_, 0);
    report.closed_at = *closed_at_;
  }

  // While it is locked, no job is passed on, so the numbers add up.
  Metrics metrics(const WorkerPool& pool) const {
    const std::lock_guard lock(mutex_);
    Metrics metrics = pool.metrics();
    metrics.submitted += count_ + taken_back_;
    metrics.queued += count_;
    metrics.not_started += taken_back_;
    metrics.rejected = rejected_;
    metrics.blocked_submits = blocked_submits_;
    return metrics;
  }

 private:
  // Returns nothing if the function for the keys throws, as std::string does without memory.
  std::optional<std::string> key_again(const Job& job) const {
    try {
      return key_of_(job);
    } catch (...) {
      rethrow_forced_unwind();
      return std::nullopt;
    }
  }

  void lose_worker() {
    const std::lock_guard lock(mutex_);
    --workers_;
    changed_.notify_all();
  }

  // Needs the lock. Never throws: these jobs have been accepted.
  void pass_on() noexcept {
    memory_ran_out_ = false;
    while (pool_ != nullptr && !ready_.empty()) {
      try {
        if (pool_->try_submit(std::move(ready_.front())) != SendStatus::kSent) return;
      } catch (const std::bad_alloc&) {
        // It stays ready, and the next call tries again. There may be none, so a drain must not
        // wait for it.
        memory_ran_out_ = true;
        changed_.notify_all();
        return;
      }
      ready_.pop_front();
      --count_;
      changed_.notify_all();
    }
  }

  template <class Predicate>
  void wait(std::unique_lock<std::mutex>& lock, const Context& ctx, Predicate done) {
    if (ctx.deadline() != Clock::time_point::max()) {
      changed_.wait_until(lock, ctx.stop_token(), ctx.deadline(), done);
    } else {
      changed_.wait(lock, ctx.stop_token(), done);  // not wait_until(max()): it may overflow
    }
  }

  SendStatus refused(SendStatus status) {
    ++rejected_;
    return status;
  }

  static void take(std::list<Job>& from, std::vector<Job>& to) {
    std::ranges::move(from, std::back_inserter(to));
    from.clear();
  }

  const std::size_t capacity_;
  const KeyOf key_of_;
  mutable std::mutex mutex_;  // guards the members below
  std::condition_variable_any changed_;
  WorkerPool* pool_ = nullptr;
  int workers_;  // whose threads no job has ended
  // A key is here while one of its jobs is ready or in the pool. Its other jobs wait in its list.
  std::map<std::string, std::list<Job>> busy_;
  // Of the keys in busy_, those that no job will free: key_of_() threw, or returned another key
  // than before, when their job had finished. Each other key in busy_ has one job, ready or in the
  // pool.
  std::size_t lost_keys_ = 0;
  std::list<Job> ready_;         // the first ones of their keys, which wait for room in the pool
  std::size_t count_ = 0;        // of all jobs here
  bool memory_ran_out_ = false;  // the last time a job was to be passed on
  std::optional<Clock::time_point> closed_at_;
  std::uint64_t rejected_ = 0;
  std::uint64_t taken_back_ = 0;
  std::size_t blocked_submits_ = 0;
};

KeyedPool::KeyedPool(WorkerPool::Options options, KeyOf key_of, JobHandler handler,
                     std::shared_ptr<Observer> observer)
    : waiting_(std::make_shared<WaitingJobs>(options, std::move(key_of))),
      // The user's observer is first: it has seen a job finish before the next one of the key
      // starts.
      pool_(options, std::move(handler), observe_with({std::move(observer), waiting_})) {
  waiting_->pass_on_to(&pool_);
}

// No job is accepted or passed on while the pool is destroyed. (WP-21)
KeyedPool::~KeyedPool() {
  if (pool_.in_forked_child()) {
    // Kept forever: another thread may have been changing it when the process forked.
    (void)std::make_unique<std::shared_ptr<WaitingJobs>>(waiting_).release();
    return;
  }
  waiting_->close();
  waiting_->pass_on_to(nullptr);
}

SendStatus KeyedPool::submit(Job&& job) {
  const Context ctx = job.ctx;
  return waiting_->add(std::move(job), ctx, SendStatus::kContextEnded);
}

SendStatus KeyedPool::try_submit(Job&& job) {
  return waiting_->add(std::move(job), Context().with_timeout({}), SendStatus::kFull);
}

void KeyedPool::close() noexcept { waiting_->close(); }

ShutdownReport KeyedPool::shutdown(ShutdownLimits limits, std::stop_token cancel_now) {
  pool_.check_may_shut_down();
  const std::lock_guard lock(shutdown_mutex_);
  close();
  if (!report_) {
    // One deadline for both parts of the drain.
    const Clock::time_point deadline = deadline_after(limits.drain);
    waiting_->wait_until_passed_on(Context(cancel_now, deadline));
    if (limits.drain != kForever) limits.drain = deadline - Clock::now();
    report_ = pool_.shutdown(limits, std::move(cancel_now));
  }
  waiting_->complete(*report_);
  return hand_over(*report_);
}

Metrics KeyedPool::metrics() const { return waiting_->metrics(pool_); }

}  // namespace worker_pool
