// retry: jobs for a service that does not always answer. A job that fails is tried up to three
// times.
//
//   ./bazelw run //full_pattern:retry
//   ./bazelw run //full_pattern:retry -- --tries=2 --backoff_ms=500
//
// Prints each error on standard error when it happens, and a table of the results on standard
// output, which is the same in every run.
//
// Exit status: 0 if every job succeeded; 1 if some did not (job d never does), or the run could not
// be started or shown; 2 if the command line was wrong and nothing was started.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <expected>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "full_pattern/console/flags.h"
#include "full_pattern/console/quoted_name.h"
#include "full_pattern/console/standard_streams.h"
#include "full_pattern/observers/error_log.h"
#include "full_pattern/observers/observe_with.h"
#include "full_pattern/retry/retrier.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/observer.h"
#include "step2_worker/wait_group.h"

namespace worker_pool {
namespace {

constexpr int kSomeDidNotSucceed = 1;
constexpr int kBadCommandLine = 2;

constexpr std::array<const char*, 5> kJobs = {"a", "b", "c", "d", "e"};

struct Settings {
  int workers;
  std::size_t jobs;  // the first of kJobs
  RetryPolicy policy;
};

// Plays a remote service: "b" fails twice, "d" always, and "e" throws once. Thread-safe.
class FlakyService {
 public:
  JobResult call(const std::string& id) {
    const int which = count(id);
    if (id == "d" || (id == "b" && which <= 2)) {
      return std::unexpected(JobError{JobError::Kind::kFailed, "503 Service Unavailable"});
    }
    if (id == "e" && which == 1) throw std::runtime_error("connection reset");
    return {};
  }

  int calls(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    const auto found = calls_.find(id);
    return found != calls_.end() ? found->second : 0;
  }

 private:
  int count(const std::string& id) {
    const std::lock_guard lock(mutex_);
    return ++calls_[id];
  }

  mutable std::mutex mutex_;
  std::map<std::string, int> calls_;
};

// Collects the final result of each job, and waits for all of them. Behind a RetryQueue, so it sees
// each job finish once.
class Ends final : public Observer {
 public:
  // Call it before the job is submitted. Otherwise a wait could return too early. (WP-07)
  void expect(const std::string& id) {
    const std::lock_guard lock(mutex_);
    unfinished_.emplace(id, group_.add());
  }

  void job_finished(int /*worker*/, const Job& job, const JobResult& result) override {
    std::map<std::string, WaitGroup::Token>::node_type counted;  // until the result is here
    const std::lock_guard lock(mutex_);
    counted = unfinished_.extract(job.id);
    by_id_.insert_or_assign(job.id, result);
  }

  // Blocks until every expected job has finished.
  void wait_for_all() const { group_.wait(); }

  JobResult of(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    return by_id_.at(id);
  }

 private:
  WaitGroup group_;
  mutable std::mutex mutex_;  // guards the members below
  std::map<std::string, WaitGroup::Token> unfinished_;
  std::map<std::string, JobResult> by_id_;
};

// Prints the result of each job. Returns true if all succeeded.
bool print(std::span<const char* const> jobs, const Ends& ends, const FlakyService& service) {
  bool all_well = true;
  std::cout << "Job  Tries  End\n";
  for (const std::string id : jobs) {
    const JobResult end = ends.of(id);
    std::cout << id << "    " << service.calls(id) << "      "
              << (end ? "succeeded" : end.error().message) << "\n";
    all_well = all_well && end;
  }
  return all_well;
}

void print(const ErrorLog::Counts& counts) {
  std::cout << "Errors: " << counts.all;
  for (const auto& [kind, count] : counts.by_kind) {
    std::cout << ", " << count << " of them " << to_string(kind);
  }
  std::cout << "\n";
}

int run(const Settings& settings) {
  const auto service = std::make_shared<FlakyService>();
  const auto ends = std::make_shared<Ends>();
  const auto errors = std::make_shared<ErrorLog>(
      ErrorLog::Options{}, [](std::string_view line) { std::cerr << line << std::endl; });
  const auto retries = std::make_shared<RetryQueue>(settings.policy, ends);
  // The log is beside the queue, so it sees every try. Behind the queue, in the place of `ends`, it
  // would see only final errors.
  WorkerPool pool(
      {.workers = settings.workers},
      [service](const Job& job, const Context&) { return service->call(job.id); },
      observe_with({errors, retries}));
  Retrier retrier(retries, pool);

  const std::span jobs = std::span(kJobs).first(settings.jobs);
  for (const std::string id : jobs) {
    ends->expect(id);
    (void)pool.submit(Job{.id = id});  // kSent, because the pool is open
  }
  ends->wait_for_all();
  (void)retrier.stop();  // returns nothing: every job has finished
  (void)pool.shutdown();

  const bool all_well = print(jobs, *ends, *service);
  print(errors->counts());
  const bool printed = flush_standard_output("retry");
  return all_well && printed ? EXIT_SUCCESS : kSomeDidNotSucceed;
}

int main_with(std::span<const char* const> args) {
  constexpr std::int64_t kHour = 3'600'000;
  std::array numbers = {
      IntFlag{"workers", "threads that handle jobs", 1, 1'000, 3},
      IntFlag{"jobs", "how many of the jobs a to e to submit", 1, kJobs.size(), kJobs.size()},
      IntFlag{"tries", "how often a job is tried, including the first time", 1, 1'000, 3},
      IntFlag{"backoff_ms", "longest wait for the second try; then doubles", 1, kHour, 100},
  };
  const FlagSet flags = {.numbers = numbers};
  const auto line = parse_flags(args, flags);
  if (!line) {
    std::cerr << "retry: " << line.error() << "\n";
    return kBadCommandLine;
  }
  if (line->help) {
    std::cout << "usage: retry [flags]\n"
              << "Runs jobs that sometimes fail, and tries them again.\n"
              << usage(flags);
    return flush_standard_output("retry") ? EXIT_SUCCESS : kSomeDidNotSucceed;
  }
  if (!line->arguments.empty()) {
    std::cerr << "retry: " << quoted_name(line->arguments.front())
              << ": only flags are allowed; see --help\n";
    return kBadCommandLine;
  }
  const auto& [workers, jobs, tries, backoff_ms] = numbers;
  return run({
      .workers = static_cast<int>(workers.value),
      .jobs = static_cast<std::size_t>(jobs.value),
      .policy = {.tries = static_cast<int>(tries.value),
                 .backoff = std::chrono::milliseconds(backoff_ms.value),
                 .longest = std::chrono::milliseconds(kHour)},
  });
}

}  // namespace
}  // namespace worker_pool

int main(int argc, char** argv) {
  try {
    worker_pool::prepare_standard_streams();
    return worker_pool::main_with({argv + 1, argv + argc});
  } catch (const std::exception& e) {  // for example, no thread could be started
    std::cerr << "retry: " << e.what() << "\n";
    return worker_pool::kSomeDidNotSucceed;
  }
}
