// Jobs against a service that fails now and then: each failure gets another try, three in all.
//
//   ./bazelw run //full_pattern:retry
//   ./bazelw run //full_pattern:retry -- --tries=2 --backoff_ms=500
//
// Every error is a line on standard error when it happens; what became of the jobs is a table on
// standard output, the same in every run.
//
// Exit status: 0 every job succeeded, 1 some did not or the run could not be shown or started, 2
// the command line was wrong and nothing was started. The service never gets "d" right, so a run
// ends with 1 and --jobs=3, which leaves "d" out, with 0.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <expected>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "full_pattern/error_log.h"
#include "full_pattern/flags.h"
#include "full_pattern/observers.h"
#include "full_pattern/retry.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/wait_group.h"
#include "step2_worker/worker.h"

namespace worker_pool {
namespace {

constexpr int kSomeDidNotSucceed = 1;
constexpr int kBadCommandLine = 2;

constexpr std::array<std::string_view, 5> kJobs = {"a", "b", "c", "d", "e"};

struct Settings {
  int workers;
  std::int64_t jobs;
  RetryPolicy policy;
};

// Stands for a service on the other side of a network: "b" fails twice, "d" every time, and "e"
// throws once.
JobResult call_service(const std::string& id, int which_try) {
  const bool fails = id == "d" || (id == "b" && which_try <= 2);
  if (fails) return std::unexpected(JobError{JobError::Kind::kFailed, "503 Service Unavailable"});
  if (id == "e" && which_try == 1) throw std::runtime_error("connection reset");
  return {};
}

// What became of each job. Standing behind the RetryQueue, it hears of every try and of one end.
class Outcomes final : public Observer {
 public:
  struct Outcome {
    int tries = 0;
    std::string end = "has not ended";
  };

  // Before the job is submitted, or all_ended could be reached too early.
  void expect(const std::string& id) {
    const std::lock_guard lock(mutex_);
    by_id_[id];
    unfinished_.emplace(id, all_ended_.add());
  }

  // Which try of the job it is that has been started.
  int tries_of(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    return by_id_.at(id).tries;
  }

  void job_started(int /*worker*/, const Job& job) override {
    const std::lock_guard lock(mutex_);
    ++by_id_[job.id].tries;
  }

  void job_finished(int /*worker*/, const Job& job, const JobResult& result) override {
    const std::lock_guard lock(mutex_);
    by_id_[job.id].end = result ? "succeeded" : result.error().message;
    unfinished_.erase(job.id);  // the last to go ends the wait
  }

  void wait_for_all() const { all_ended_.wait(); }

  std::map<std::string, Outcome> by_id() const {
    const std::lock_guard lock(mutex_);
    return by_id_;
  }

 private:
  const WaitGroup all_ended_;  // one member for each job that has not
  mutable std::mutex mutex_;   // guards everything below
  std::map<std::string, Outcome> by_id_;
  std::map<std::string, WaitGroup::Token> unfinished_;
};

