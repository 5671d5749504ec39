#include "exercises/harness/lesson.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <source_location>
#include <string>
#include <utility>

#include "testing/lab/engine/inside.h"
#include "testing/lab/engine/objects.h"
#include "testing/lab/engine/scheduler.h"
#include "testing/lab/engine/sync.h"

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

// The two events of a gate are known to the scheduler by the addresses of these members.
LabGate::LabGate(std::string name) : name_(std::move(name)) {
  const lab::Inside inside;
  auto& events = lab::Scheduler::current().objects().events;
  events[&arrival_] = {};
  events[&opening_] = {};
}

void LabGate::open() {
  const lab::Inside inside;
  lab::Scheduler& scheduler = lab::Scheduler::current();
  scheduler.step();
  lab::sync::happen(scheduler, scheduler.objects().events.at(&opening_));
  scheduler.tell("opens the gate \"" + name_ + "\"");
}

void LabGate::wait() {
  const lab::Inside inside;
  lab::Scheduler& scheduler = lab::Scheduler::current();
  lab::Event& opening = scheduler.objects().events.at(&opening_);
  lab::sync::happen(scheduler, scheduler.objects().events.at(&arrival_));
  const std::string reason = "at the gate \"" + name_ + "\"";
  if (!opening.has_happened) scheduler.tell("waits " + reason);
  lab::sync::await(scheduler, opening, reason);
}

void LabGate::await_arrival() {
  const lab::Inside inside;
  lab::Scheduler& scheduler = lab::Scheduler::current();
  lab::sync::await(scheduler, scheduler.objects().events.at(&arrival_),
                   "for a thread to arrive at the gate \"" + name_ + "\"");
}

}  // namespace worker_pool
