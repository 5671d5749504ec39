// What the tests of the Retrier share: a service with retries, and handlers that fail.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <expected>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "full_pattern/retry/retrier.h"
#include "full_pattern/retry/retry_queue.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/observer.h"
#include "step4_shutdown/shutdown.h"
#include "testing/event_log.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {

using namespace std::chrono_literals;

inline constexpr ShutdownLimits kPatient = {.drain = kForever};
inline constexpr RetryPolicy kSoon = {.tries = 3, .backoff = 1ms, .longest = 1ms};
inline constexpr RetryPolicy kInAnHour = {.tries = 3, .backoff = 1h, .longest = 1h, .jitter = 0};

inline JobResult failed(std::string message) {
  return std::unexpected(JobError{JobError::Kind::kFailed, std::move(message)});
}

// The observer behind the queue. It logs "start a", and for each finished job "a: ok" or "a:
// MESSAGE".
class Ends : public Observer {
 public:
  explicit Ends(const Watchdog& watchdog) : log(watchdog) {}
  void job_started(int, const Job& job) override { log.add("start " + job.id); }
  void job_finished(int, const Job& job, const JobResult& result) override {
    log.add(job.id + ": " + (result ? "ok" : result.error().message));
  }
  EventLog log;
};

// Counts the tries of each job. The copies of the handler share it.
class Tries {
 public:
  int next(const std::string& id) {
    const std::lock_guard lock(mutex_);
    return ++by_id_[id];
  }
  int of(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    const auto found = by_id_.find(id);
    return found != by_id_.end() ? found->second : 0;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, int> by_id_;
};

inline JobResult succeed(const Job&, const Context&) { return {}; }

// Fails with the message "1" at the first try and so on, until try number `good`.
inline JobHandler succeeds_at_try(int good, const std::shared_ptr<Tries>& tries) {
  return [good, tries](const Job& job, const Context&) -> JobResult {
    const int which = tries->next(job.id);
    return which == good ? JobResult() : failed(std::to_string(which));
  };
}
inline JobHandler always_fails(const std::shared_ptr<Tries>& tries) {
  return succeeds_at_try(-1, tries);
}

// A pool with retries, declared as in a service.
struct Service {
  Service(const Watchdog& watchdog, RetryPolicy policy, WorkerPool::Options options,
          JobHandler handler)
      : watch(watchdog),
        ends(std::make_shared<Ends>(watchdog)),
        retries(std::make_shared<RetryQueue>(policy, ends)),
        pool(options, std::move(handler), retries),
        retrier(retries, pool) {}
  ~Service() {
    leaving.emplace(watch.notes(), "test: for the Retrier and the pool to be destroyed");
  }

  void submit(Job job) { ASSERT_EQ(pool.submit(std::move(job)), SendStatus::kSent); }

  const Watchdog& watch;
  std::optional<Watchdog::Waiting> leaving;  // while the members below are destroyed
  std::shared_ptr<Ends> ends;
  std::shared_ptr<RetryQueue> retries;
  WorkerPool pool;
  Retrier retrier;
};

inline std::vector<std::string> ids_of(const std::vector<WaitingJob>& jobs) {
  std::vector<std::string> ids;
  for (const WaitingJob& waiting : jobs) ids.push_back(waiting.job.id);
  return ids;
}

// A full pool whose Retrier has been refused: a has failed and is due, b runs, c is queued.
struct FullPool {
  FullPool(const Watchdog& watchdog, int tries_allowed, Clock::duration backoff = 1ms)
      : gate(std::make_shared<Gate>(watchdog, "b may finish")),
        ends(std::make_shared<Ends>(watchdog)),
        retries(std::make_shared<RetryQueue>(
            RetryPolicy{.tries = tries_allowed, .backoff = backoff, .longest = backoff}, ends,
            [] { return 0.0; })),  // with full jitter, the shortest wait is none
        pool({.workers = 1, .capacity = 1}, handler(tries, gate), retries) {
    submit({.id = "b"});
    ends->log.await("start b");
    submit({.id = "c"});
    retrier.emplace(retries, pool);
    fail_once({.id = "a", .ctx = Context(stop.get_token())});
    watchdog.await("the Retrier to be refused",
                   [this] { return pool.metrics().rejected > 0 && tries->of("a") == 1; });
  }

  static JobHandler handler(const std::shared_ptr<Tries>& tries,
                            const std::shared_ptr<Gate>& gate) {
    return [tries, gate](const Job& job, const Context&) -> JobResult {
      const int which = tries->next(job.id);
      if (job.id == "a") return failed(std::to_string(which));
      gate->wait();
      return {};
    };
  }

  void submit(Job job) { ASSERT_EQ(pool.submit(std::move(job)), SendStatus::kSent); }

  // Plays a worker whose job fails, because the only worker is busy with b.
  void fail_once(const Job& job) {
    retries->job_started(1, job);
    retries->job_finished(1, job, failed(std::to_string(tries->next(job.id))));
  }

  std::stop_source stop;
  const std::shared_ptr<Tries> tries = std::make_shared<Tries>();
  const std::shared_ptr<Gate> gate;
  const std::shared_ptr<Ends> ends;
  const std::shared_ptr<RetryQueue> retries;
  WorkerPool pool;
  std::optional<Retrier> retrier;
};

}  // namespace worker_pool
