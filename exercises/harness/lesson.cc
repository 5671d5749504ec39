#include "exercises/harness/lesson.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <source_location>
#include <string>
#include <utility>

#include "testing/lab/scheduler.h"

namespace worker_pool {

void expect_every_schedule(const Lesson& lesson, const std::function<void()>& scenario,
                           lab::Options options, std::source_location where) {
  if (const char* replay = std::getenv("LAB_REPLAY")) options.replay = replay;
  const lab::Result result = lab::explore(options, scenario);
  const bool is_replay = !options.replay.empty();
  if (!result.failed) {
    // Not a pass: no other schedule was run.
    if (is_replay) GTEST_SKIP() << "LAB_REPLAY: the replayed schedule no longer breaks it";
    return;
  }
  const std::string which =
      is_replay ? "The replayed schedule" : "Schedule " + std::to_string(result.schedules);
  ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
      << which << " breaks it (LAB_REPLAY=" << result.schedule << "):\n"
      << result.story << "LESSON[" << lesson.exercise << "]: " << lesson.explanation;
}

void LabGate::open() {
  lab::Scheduler& scheduler = lab::Scheduler::current();
  scheduler.step();
  open_ = true;
  scheduler.tell("opens the gate \"" + name_ + "\"");
}

void LabGate::wait() {
  lab::Scheduler& scheduler = lab::Scheduler::current();
  arrived_ = true;
  const std::string reason = "at the gate \"" + name_ + "\"";
  if (!open_) scheduler.tell("waits " + reason);
  scheduler.step({.can_go_on = [this] { return open_; }, .reason = [reason] { return reason; }});
}

void LabGate::await_arrival() {
  const std::string reason = "for a thread to arrive at the gate \"" + name_ + "\"";
  lab::Scheduler::current().step(
      {.can_go_on = [this] { return arrived_; }, .reason = [reason] { return reason; }});
}

}  // namespace worker_pool
