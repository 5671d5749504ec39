// A consumer: fetches jobs from the broker until SIGTERM, SIGINT or SIGHUP.
//
//   bazel run //consumer -- --url=nats://127.0.0.1:4222 --name=a
//
// The first signal stops the fetching and lets the jobs in hand finish, within --drain_ms. The
// second cancels them, and the third leaves at once. Jobs that are not done are handed back.
//
// Exit status: 0 if every worker has exited; 1 without a broker, or if its other consumers have
// another ack wait; 2 if the command line was wrong; 3 if a worker was left behind: its job ignored
// its context, or it was asking a broker that did not answer.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <memory>
#include <new>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

#include "broker/broker.h"
#include "consumer/consumer.h"
#include "consumer/demo_work.h"
#include "full_pattern/console/flags.h"
#include "full_pattern/console/standard_streams.h"
#include "full_pattern/signals/signals.h"
#include "step1_job/context.h"
#include "step4_shutdown/exit.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {
namespace {

constexpr int kBadCommandLine = 2;
constexpr int kAbandoned = 3;
constexpr std::chrono::milliseconds kStatusPause{200};

// One write for each line, so that lines of different threads do not mix, and what a process has
// printed before it is killed can be read.
void print(const std::string& line) {
  std::fputs((line + "\n").c_str(), stdout);
  std::fflush(stdout);
}

std::string status(const Consumer& consumer) {
  const ConsumerCounts& counts = consumer.counts();
  const auto part = [](const char* name, auto value) { return name + std::to_string(value); };
  return part("done ", counts.done.load()) + part(", in hand ", consumer.in_hand()) +
         part(", redelivered ", counts.redelivered.load()) +
         part(", failed ", counts.failed.load()) + part(", buried ", counts.buried.load()) +
         part(", handed back ", counts.handed_back.load()) +
         part(", errors ", counts.errors.load());
}

void print_status_until(const Consumer& consumer, const std::stop_token& stop) {
  const Context ctx(stop);
  std::string before;
  while (!ctx.err()) {
    try {
      if (!ctx.sleep_for(kStatusPause)) return;
      const std::string now = status(consumer);
      if (now != before) print("status: " + now);
      before = now;
    } catch (const std::bad_alloc&) {  // it would end the program (WP-04)
      std::this_thread::sleep_for(kStatusPause);
    }
  }
}

// The destructor of a consumer that cannot go on would wait for jobs that ignore their contexts.
ShutdownReport run_or_exit(Consumer& consumer, const ShutdownSignals& signals) {
  try {
    return consumer.run(signals.first(), signals.second());
  } catch (const std::exception& e) {
    std::cerr << "consumer: " << e.what() << "\n";
    exit_without_destructors(EXIT_FAILURE);
  }
}

int run(const std::string& name, const Broker::Options& broker_options,
        const Consumer::Options& options, bool log_jobs) {
  const ShutdownSignals signals;  // before any other thread, also the client library's
  const auto broker = std::make_shared<Broker>(broker_options);
  const JobEvent event = [log_jobs](std::string_view what, const std::string& id) {
    if (log_jobs) print(std::string(what) + " " + id);
  };
  Consumer consumer(options, broker, demo_work(name, broker->results(), event), event);
  print("ready");
  std::jthread printer([&](const std::stop_token& stop) { print_status_until(consumer, stop); });
  const ShutdownReport report = run_or_exit(consumer, signals);
  printer.request_stop();
  printer.join();
  print("status: " + status(consumer));
  for (const std::string& id : report.still_running) print("left alone: " + id);
  print("shutdown: " + std::string(to_string(report.outcome)));
  if (report.outcome == ShutdownOutcome::kAbandoned) exit_without_destructors(kAbandoned);
  return EXIT_SUCCESS;
}

int main_with(std::span<const char* const> args) {
  using std::chrono::milliseconds;
  constexpr std::int64_t kHour = 3'600'000;
  std::array numbers = {
      IntFlag{"workers", "threads that handle jobs", 1, 1'000, 3},
      IntFlag{"capacity", "how many jobs may wait in the pool", 1, 1'000'000, 3},
      IntFlag{"batch", "how many jobs to fetch at once", 1, Broker::kMaxFetch, 3},
      IntFlag{"ack_wait_ms", "when the broker delivers a job again", Consumer::kMinAckWait.count(),
              kHour, 30'000},
      IntFlag{"job_timeout_ms", "how long a job may take", 1, kHour, 300'000},
      IntFlag{"drain_ms", "how long the shutdown lets jobs finish", 0, kHour, 5'000},
      IntFlag{"cancel_ms", "how long it then waits for canceled jobs", 0, kHour, 1'000},
      IntFlag{"max_starts", "when a job that never succeeds is buried", 1, 1'000, 5},
      IntFlag{"retry_ms", "the pause before a failed job is delivered again", 0, kHour, 1'000},
  };
  std::array texts = {TextFlag{"url", "the broker", "nats://127.0.0.1:4222"},
                      TextFlag{"name", "what to store as the result of a job", "consumer"}};
  std::array switches = {SwitchFlag{"log_jobs", "print a line for each event of a job"}};
  const FlagSet flags = {.numbers = numbers, .texts = texts, .switches = switches};
  const auto line = parse_flags(args, flags);
  if (!line || !line->arguments.empty()) {
    std::cerr << "consumer: "
              << (line ? line->arguments.front() + ": only flags are allowed" : line.error())
              << "\n";
    return kBadCommandLine;
  }
  if (line->help) {
    std::cout << "usage: consumer [flags]\n" << usage(flags);
    return EXIT_SUCCESS;
  }
  const auto& [workers, capacity, batch, ack_wait, timeout, drain, cancel, starts, retry] = numbers;
  const Consumer::Options options = {
      .pool = {.workers = static_cast<int>(workers.value),
               .capacity = static_cast<std::size_t>(capacity.value)},
      .batch = static_cast<std::size_t>(batch.value),
      .job_timeout = milliseconds(timeout.value),
      .limits = {.drain = milliseconds(drain.value), .cancel = milliseconds(cancel.value)},
      .settle = {.max_starts = static_cast<int>(starts.value),
                 .retry_delay = milliseconds(retry.value)},
  };
  return run(texts[1].value, {.url = texts[0].value, .ack_wait = milliseconds(ack_wait.value)},
             options, switches[0].on);
}

}  // namespace
}  // namespace worker_pool

int main(int argc, char** argv) {
  try {
    worker_pool::prepare_standard_streams();
    return worker_pool::main_with({argv + 1, argv + argc});
  } catch (const std::exception& e) {
    std::cerr << "consumer: " << e.what() << "\n";
    return EXIT_FAILURE;
  }
}
