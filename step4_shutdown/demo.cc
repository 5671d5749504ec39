// The three outcomes of a shutdown: drained, cancelled, abandoned.
#include <chrono>
#include <cstdlib>
#include <expected>
#include <future>
#include <iostream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step3_dispatcher/dispatcher.h"
#include "step4_shutdown/exit.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

// Sends jobs a, b and c to one worker, and shuts down once it has started a.
void show(std::string_view title, const JobHandler& handler, ShutdownLimits limits) {
  const auto begun = std::make_shared<std::promise<void>>();
  const auto announce_then_handle = [begun, handler](const Job& job, const Context& ctx) {
    if (job.id == "a") begun->set_value();
    return handler(job, ctx);
  };
  Workers workers = start_workers(1, announce_then_handle, nullptr);
  for (const std::string id : {"a", "b", "c"}) {
    if (workers.jobs.send(Job{.id = id}) != SendStatus::kSent) return;
  }
  begun->get_future().wait();

  const ShutdownReport report = shutdown(workers, limits);
  std::cout << title << ": " << to_string(report.outcome);
  for (const Job& job : report.not_started) std::cout << ", " << job.id << " handed back";
  for (const std::string& id : report.still_running) std::cout << ", " << id << " still runs";
  std::cout << "\n"
            << (report.outcome == ShutdownOutcome::kAbandoned
                    ? "All workers finished but one. Safe to exit, without destructors.\n"
                    : "All workers finished. Safe to exit.\n");
}

JobResult quick(const Job&, const Context&) { return {}; }

JobResult slow_but_obedient(const Job&, const Context& ctx) {
  if (ctx.sleep_for(1h)) return {};
  return std::unexpected(ended(*ctx.err()));
}

JobResult stubborn(const Job&, const Context&) {
  (void)Context().sleep_for(1h);  // its own context, so the cancel cannot wake it
  return {};
}

}  // namespace
}  // namespace worker_pool

int main() {
  using namespace worker_pool;
  show("Quick jobs", quick, {});
  show("Slow jobs that obey the cancel", slow_but_obedient, {.drain = 50ms});
  show("Jobs that ignore everything", stubborn, {.drain = 50ms, .cancel = 50ms});
  exit_without_destructors(EXIT_SUCCESS);
}
