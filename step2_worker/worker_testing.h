// What the tests of the worker share.
#pragma once

#include <stop_token>
#include <string>
#include <utility>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/observer.h"
#include "testing/event_log.h"
#include "testing/watchdog.h"

namespace worker_pool {

// Logs each call as a line: "1 started a", "1 finished a: ok", "1 finished b: failed, disk full".
class Recorder : public Observer {
 public:
  explicit Recorder(const Watchdog& watchdog) : log(watchdog) {}

  void job_started(int worker, const Job& job) override {
    log.add(std::to_string(worker) + " started " + job.id);
  }

  void job_finished(int worker, const Job& job, const JobResult& result) override {
    std::string outcome = "ok";
    if (!result) {
      outcome = std::string(to_string(result.error().kind)) + ", " + result.error().message;
      if (result.error().ended_thread) outcome += ", which ended its thread";
    }
    log.add(std::to_string(worker) + " finished " + job.id + ": " + outcome);
  }

  EventLog log;
};

inline Job make_job(std::string id, Context ctx = Context()) {
  return {.id = std::move(id), .payload = {}, .ctx = std::move(ctx)};
}

inline Context cancelled() {
  std::stop_source stop;
  stop.request_stop();
  return Context(stop.get_token());
}

inline JobResult succeed(const Job&, const Context&) { return {}; }

}  // namespace worker_pool
