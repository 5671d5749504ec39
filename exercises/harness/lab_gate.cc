#include "exercises/harness/lab_gate.h"

#include <cstdint>
#include <string>

#include "testing/lab/engine/inside.h"
#include "testing/lab/engine/objects.h"
#include "testing/lab/engine/places.h"
#include "testing/lab/engine/scheduler.h"
#include "testing/lab/engine/sync.h"

namespace worker_pool {
namespace {

std::string quoted(const char* name) { return "\"" + std::string(name) + "\""; }

lab::Event& event_of(const char& member) {
  return lab::Scheduler::current().objects().events[&member];
}

lab::Place place_of(std::uintptr_t address) { return {.address = address, .stack = lab::t_stack}; }

}  // namespace

// The scheduler knows the two events of a gate by the addresses of these members.
LabGate::LabGate(const char* name) : name_(name) {
  const lab::Inside inside;
  event_of(arrival_) = {};
  event_of(opening_) = {};
}

void LabGate::open() {
  const lab::Inside inside;
  lab::Scheduler& scheduler = lab::Scheduler::current();
  scheduler.plan("opens the gate", nullptr, place_of(lab::return_address()));
  scheduler.step();
  lab::sync::happen(scheduler, event_of(opening_));
  scheduler.tell("opens the gate " + quoted(name_));
}

void LabGate::wait() {
  const lab::Inside inside;
  lab::Scheduler& scheduler = lab::Scheduler::current();
  lab::Event& opening = event_of(opening_);
  lab::sync::happen(scheduler, event_of(arrival_));
  const std::string reason = "at the gate " + quoted(name_);
  scheduler.plan("goes through the gate", nullptr, place_of(lab::return_address()));
  if (!opening.has_happened) scheduler.tell("waits " + reason);
  lab::sync::await(scheduler, opening, reason);
}

void LabGate::await_arrival() {
  const lab::Inside inside;
  lab::sync::await(lab::Scheduler::current(), event_of(arrival_),
                   "for a thread to arrive at the gate " + quoted(name_));
}

}  // namespace worker_pool
