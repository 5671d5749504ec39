// A program for signals_test.cc: a pool that takes commands on standard input and reports its
// progress on standard output.
//
//   signals_child DRAIN_MS CANCEL_MS      one worker, room for one job
//
//   submit quick      a job that does nothing
//   submit listens    a job that runs until it is canceled
//   submit deaf       a job that ignores a cancel and runs until the process exits
//   submit FIFO       a job that runs until this named pipe is opened and closed for writing
//   raise             raise(SIGTERM) on the thread of main()
//   shutdown
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>

#include "full_pattern/signals/signals.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step4_shutdown/exit.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {
namespace {

void say(const std::string& line) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::cout << line << std::endl;
}

JobResult work(const Job& job, const Context& ctx) {
  say("started " + job.id);
  if (job.id == "listens") (void)ctx.sleep_for(kForever);
  while (job.id == "deaf") pause();
  if (job.id.contains('/')) std::ifstream(job.id).get();  // opening blocks until there is a writer
  say((ctx.err() ? "cancelled " : "finished ") + job.id);
  return {};
}

void submit(WorkerPool& pool, const std::string& id) {
  say("submitting " + id);
  const bool accepted = pool.submit(Job{.id = id}) == SendStatus::kSent;
  say((accepted ? "accepted " : "refused ") + id);
}

int run(ShutdownLimits limits) {
  const ShutdownSignals signals([](int signal, int count) {
    say("signal " + std::string(name_of_signal(signal).substr(3)) + " " + std::to_string(count));
  });
  WorkerPool pool({.workers = 1, .capacity = 1}, work);
  const std::stop_callback close(signals.first(), [&pool] { pool.close(); });
  say("ready");
  constexpr std::string_view kSubmit = "submit ";
  for (std::string line; std::getline(std::cin, line) && line != "shutdown";) {
    if (line == "raise") raise(SIGTERM);
    if (line.starts_with(kSubmit)) submit(pool, line.substr(kSubmit.size()));
  }

  say("shutting down");
  const ShutdownReport report = pool.shutdown(limits, signals.second());
  say(std::string(to_string(report.outcome)));
  if (report.outcome == ShutdownOutcome::kAbandoned) exit_without_destructors(3);
  return report.outcome == ShutdownOutcome::kDrained ? 0 : 1;
}

}  // namespace
}  // namespace worker_pool

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  using std::chrono::milliseconds;
  return worker_pool::run(
      {.drain = milliseconds(std::atoll(argv[1])), .cancel = milliseconds(std::atoll(argv[2]))});
}
