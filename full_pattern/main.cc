// The full pattern, end to end: 3 workers, 5 jobs of 500 ms, a graceful shutdown.
//
//   ./bazelw run //full_pattern
//   ./bazelw run //full_pattern -- --workers=2 --jobs=8 --drain_ms=1000 --timeline
//
// After the first SIGINT, SIGTERM or SIGHUP the program accepts no more jobs and lets the accepted
// ones finish. The second signal cancels them, the third leaves at once (signals.h). If the reader
// of its output has gone, as in `full_pattern | head -2`, it finishes its jobs all the same.
//
// Exit status: 0 if every accepted job succeeded; 1 if some did not, or the run could not be
// started or reported; 2 if the command line was wrong and nothing was started; 3 if a worker was
// abandoned; 129, 130 or 143 if the third signal was SIGHUP, SIGINT or SIGTERM.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <expected>
#include <iostream>
#include <memory>
#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <utility>

#include "full_pattern/console/flags.h"
#include "full_pattern/console/quoted_name.h"
#include "full_pattern/console/standard_streams.h"
#include "full_pattern/console/user_folder.h"
#include "full_pattern/observers/observe_with.h"
#include "full_pattern/reports/run_report.h"
#include "full_pattern/signals/signals.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/worker.h"
#include "step4_shutdown/exit.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {
namespace {

constexpr int kSomeDidNotSucceed = 1;
constexpr int kBadCommandLine = 2;
constexpr int kAbandoned = 3;

struct Settings {
  WorkerPool::Options pool;
  std::int64_t jobs;
  std::chrono::milliseconds work;
  ShutdownLimits limits;
};

// Prints a line for each event of a job.
class LogLines : public Observer {
 public:
  void job_started(int worker, const Job& job) override {
    print("Worker " + std::to_string(worker) + " started job " + job.id);
  }

  void job_finished(int worker, const Job& job, const JobResult& result) override {
    const std::string who = "Worker " + std::to_string(worker);
    print(result ? who + " finished job " + job.id
                 : who + ": job " + job.id + " failed: " + result.error().message);
  }

 private:
  void print(const std::string& line) {
    const std::lock_guard lock(mutex_);  // so that lines do not mix
    std::cout << line << std::endl;      // flushed, so that you can watch the run
  }

  std::mutex mutex_;
};

// Runs on a thread of its own, so it may print and block (signals.h). It does not use std::cerr,
// which flushes std::cout first: a worker may be blocked in std::cout, if the reader of the output
// has stopped reading, and the user should still see this line.
void announce(int signal, int count) {
  const std::string name(name_of_signal(signal));
  const std::string what = count == 1
                               ? "accepting no more jobs; another signal cancels the accepted ones"
                               : "canceled; another signal leaves at once";
  std::fputs(("full_pattern: " + name + ": " + what + "\n").c_str(), stderr);
}

// Returns a handler that sleeps instead of working, until its context ends.
JobHandler handler_that_sleeps_for(std::chrono::milliseconds work) {
  return [work](const Job&, const Context& ctx) -> JobResult {
    if (ctx.sleep_for(work)) return {};
    return std::unexpected(ended(*ctx.err()));
  };
}

// Returns the number of accepted jobs: all of them, unless a signal closes the pool.
std::int64_t submit_all(WorkerPool& pool, std::int64_t jobs) {
  std::int64_t accepted = 0;
  while (accepted < jobs) {
    Job job{.id = std::to_string(accepted + 1)};
    if (pool.submit(std::move(job)) != SendStatus::kSent) break;  // blocks while the queue is full
    ++accepted;
  }
  return accepted;
}

void print(const ShutdownReport& report, const Metrics& metrics) {
  std::cout << "Shutdown: " << to_string(report.outcome) << ". Of " << metrics.submitted
            << " jobs: " << metrics.succeeded << " succeeded, " << metrics.failed << " failed, "
            << metrics.not_started << " not started, " << metrics.running << " still running\n";
  for (const Job& job : report.not_started) std::cout << "Not started: job " << job.id << "\n";
  for (const std::string& id : report.still_running)
    std::cout << "Still running: job " << id << "\n";
}

int run(const Settings& settings, RunReport& run_report) {
  const ShutdownSignals signals(announce);  // before any other thread: they inherit the blocking
  WorkerPool pool(settings.pool, handler_that_sleeps_for(settings.work),
                  observe_with({std::make_shared<LogLines>(), run_report.observer()}));
  const std::stop_callback close(signals.first(), [&pool] { pool.close(); });
  const std::int64_t accepted = submit_all(pool, settings.jobs);

  const ShutdownReport report = pool.shutdown(settings.limits, signals.second());
  const Metrics metrics = pool.metrics();
  print(report, metrics);
  if (accepted < settings.jobs) {
    std::cout << "Not submitted: " << settings.jobs - accepted << " jobs\n";
  }
  const auto written = run_report.write(metrics, report);
  if (!written) std::cerr << "full_pattern: " << written.error() << "\n";
  if (report.outcome == ShutdownOutcome::kAbandoned) {
    std::cout << "Shutdown abandoned\n";
    (void)flush_standard_output("full_pattern");
    exit_without_destructors(kAbandoned);
  }
  std::cout << "Shutdown complete\n";
  if (!flush_standard_output("full_pattern")) return kSomeDidNotSucceed;
  return written && metrics.succeeded == metrics.submitted ? EXIT_SUCCESS : kSomeDidNotSucceed;
}

int main_with(std::span<const char* const> args) {
  constexpr std::int64_t kHour = 3'600'000;
  std::array numbers = {
      IntFlag{"workers", "threads that handle jobs", 1, 1'000, 3},
      IntFlag{"jobs", "how many jobs to submit", 0, 1'000'000, 5},
      IntFlag{"work_ms", "how long one job takes", 0, kHour, 500},
      IntFlag{"capacity", "how many jobs may wait", 1, 1'000'000, 100},
      IntFlag{"drain_ms", "how long the shutdown lets jobs finish", 0, kHour, 5'000},
      IntFlag{"cancel_ms", "how long it then waits for canceled jobs", 0, kHour, 1'000},
  };
  std::array texts = {
      TextFlag{"trace",
               "write the run to FILE, or - for standard output, for a viewer such as Perfetto"},
      TextFlag{"metrics", "write the metrics of the run to FILE, or -, for Prometheus"},
  };
  std::array switches = {SwitchFlag{"timeline", "draw the run"}};
  const FlagSet flags = {.numbers = numbers, .texts = texts, .switches = switches};
  const auto line = parse_flags(args, flags);
  if (!line) {
    std::cerr << "full_pattern: " << line.error() << "\n";
    return kBadCommandLine;
  }
  if (line->help) {
    std::cout << "usage: full_pattern [flags]\n"
              << "Runs jobs that sleep through a worker pool, then shuts it down.\n"
              << usage(flags);
    return flush_standard_output("full_pattern") ? EXIT_SUCCESS : kSomeDidNotSucceed;
  }
  if (!line->arguments.empty()) {
    std::cerr << "full_pattern: " << quoted_name(line->arguments.front())
              << ": only flags are allowed; see --help\n";
    return kBadCommandLine;
  }
  const auto& [workers, jobs, work_ms, capacity, drain_ms, cancel_ms] = numbers;
  const auto& [trace, metrics] = texts;
  const auto& [timeline] = switches;
  auto run_report = RunReport::open(
      {.trace_file = trace.value, .metrics_file = metrics.value, .timeline = timeline.on});
  if (!run_report) {
    std::cerr << "full_pattern: " << run_report.error() << "\n";
    return kBadCommandLine;
  }
  const Settings settings = {
      .pool = {.workers = static_cast<int>(workers.value),
               .capacity = static_cast<std::size_t>(capacity.value)},
      .jobs = jobs.value,
      .work = std::chrono::milliseconds(work_ms.value),
      .limits = {.drain = std::chrono::milliseconds(drain_ms.value),
                 .cancel = std::chrono::milliseconds(cancel_ms.value)},
  };
  return run(settings, *run_report);
}

}  // namespace
}  // namespace worker_pool

int main(int argc, char** argv) {
  try {
    worker_pool::prepare_standard_streams();
    worker_pool::go_where_the_user_is();
    return worker_pool::main_with({argv + 1, argv + argc});
  } catch (const std::exception& e) {  // for example, no thread could be started
    std::cerr << "full_pattern: " << e.what() << "\n";
    return worker_pool::kSomeDidNotSucceed;
  }
}
