// Jobs for a service that does not always answer: one that fails gets another try, three in all.
//
//   ./bazelw run //full_pattern:retry
//   ./bazelw run //full_pattern:retry -- --tries=2 --backoff_ms=500
//
// Every error is a line on standard error, when it happens; what became of the jobs is a table on
// standard output, the same in every run.
//
// Exit status: 0 every job succeeded, 1 some did not (job d never does) or the run could not be
// shown or started, 2 the command line was wrong and nothing was started.
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
#include "full_pattern/observers/error_log.h"
#include "full_pattern/observers/observe_with.h"
#include "full_pattern/retry/retrier.h"
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

constexpr std::array<const char*, 5> kJobs = {"a", "b", "c", "d", "e"};

struct Settings {
  int workers;
  std::size_t jobs;  // the first of kJobs
  RetryPolicy policy;
};

// Stands for a service on the other side of a network: "b" fails twice, "d" always, "e" throws
// once. Called by all workers at the same time.
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

// How each job ended, and when all have. Behind a RetryQueue it hears of one end for each job.
class Ends final : public Observer {
 public:
  // Before the job is submitted: a wait that begins in between must not end too early. (WP-07)
  void expect(const std::string& id) {
    const std::lock_guard lock(mutex_);
    unfinished_.emplace(id, group_.add());
  }

  void job_finished(int /*worker*/, const Job& job, const JobResult& result) override {
    const std::lock_guard lock(mutex_);
    by_id_.insert_or_assign(job.id, result);
    unfinished_.erase(job.id);  // its token leaves the group
  }

  // Blocks until every job that was expected has ended.
  void wait_for_all() const { group_.wait(); }

  JobResult of(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    return by_id_.at(id);
  }

 private:
  WaitGroup group_;
  mutable std::mutex mutex_;  // guards everything below
  std::map<std::string, WaitGroup::Token> unfinished_;
  std::map<std::string, JobResult> by_id_;
};

// Prints what became of each job. Returns whether all succeeded.
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
  // The log hears of every try, because it stands beside the queue. Behind it, in the place of
  // `ends`, it would hear of the errors that are final.
  WorkerPool pool(
      {.workers = settings.workers},
      [service](const Job& job, const Context&) { return service->call(job.id); },
      observe_with({errors, retries}));
  Retrier retrier(retries, pool);

  const std::span jobs = std::span(kJobs).first(settings.jobs);
  for (const std::string id : jobs) {
    ends->expect(id);
    (void)pool.submit(Job{.id = id});  // kSent: nobody else shuts the pool down
  }
  ends->wait_for_all();
  (void)retrier.stop();  // nobody waits for another try: all have ended
  (void)pool.shutdown();

  const bool all_well = print(jobs, *ends, *service);
  print(errors->counts());
  if (std::cout.flush()) return all_well ? EXIT_SUCCESS : kSomeDidNotSucceed;
  std::cerr << "retry: cannot write to standard output\n";
  return kSomeDidNotSucceed;
}

int main_with(std::span<const char* const> args) {
  constexpr std::int64_t kHour = 3'600'000;
  std::array numbers = {
      IntFlag{"workers", "threads that handle jobs", 1, 1'000, 3},
      IntFlag{"jobs", "how many of the jobs a to e to submit", 1, kJobs.size(), kJobs.size()},
      IntFlag{"tries", "how often a job is tried, the first time included", 1, 1'000, 3},
      IntFlag{"backoff_ms", "how long a job waits for its second try; then doubled", 1, kHour, 100},
  };
  const FlagSet flags = {.numbers = numbers};
  const auto line = parse_flags(args, flags);
  if (!line) {
    std::cerr << "retry: " << line.error() << "\n";
    return kBadCommandLine;
  }
  if (line->help) {
    std::cout << "usage: retry [flags]\n"
              << "Runs jobs that fail now and then, and tries them again.\n"
              << usage(flags);
    return EXIT_SUCCESS;
  }
  if (!line->arguments.empty()) {
    std::cerr << "retry: '" << line->arguments.front() << "': only flags are allowed; see --help\n";
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
    return worker_pool::main_with({argv + 1, argv + argc});
  } catch (const std::exception& e) {  // such as no more threads to be had
    std::cerr << "retry: " << e.what() << "\n";
    return worker_pool::kSomeDidNotSucceed;
  }
}
