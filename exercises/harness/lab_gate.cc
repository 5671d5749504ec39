#include "exercises/harness/lab_gate.h"

#include <string>

#include "testing/lab/scheduler.h"

namespace worker_pool {
namespace {

std::string quoted(const char* name) { return "\"" + std::string(name) + "\""; }

}  // namespace

void LabGate::open() {
  lab::Scheduler& scheduler = lab::Scheduler::current();
  scheduler.step();
  open_ = true;
  scheduler.tell("opens the gate " + quoted(name_));
}

void LabGate::wait() {
  lab::Scheduler& scheduler = lab::Scheduler::current();
  arrived_ = true;
  const std::string reason = "at the gate " + quoted(name_);
  if (!open_) scheduler.tell("waits " + reason);
  scheduler.step({.can_go_on = [this] { return open_; }, .reason = [reason] { return reason; }});
}

void LabGate::await_arrival() {
  const std::string reason = "for a thread to arrive at the gate " + quoted(name_);
  lab::Scheduler::current().step(
      {.can_go_on = [this] { return arrived_; }, .reason = [reason] { return reason; }});
}

}  // namespace worker_pool
