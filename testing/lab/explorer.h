// The explorer: runs a small concurrent scenario under every schedule, until one breaks it.
//
//   const lab::Result result = lab::explore({}, [] {
//     Queue queue;                                        // built on lab::mutex and its kin
//     lab::thread worker("worker", [&] { queue.pop(); });
//     queue.push(1);
//     worker.join();
//   });
//   EXPECT_FALSE(result.failed) << result.story;
//
// The threads are real, but exactly one runs at a time: each operation on a lab type (lab.h) is a
// point where the explorer decides who goes on. It tries all schedules with no preemption, then
// all with one, and so on: most bugs need no more than two (Musuvathi and Qadeer, PLDI 2007). Then
// it tries random priorities (Burckhardt et al., ASPLOS 2010). The same options give the same
// schedules on every machine.
//
// Time is virtual. When nobody can go on, the clock jumps to the earliest timeout, so a wait of an
// hour costs nothing, and ends exactly then. Since a thread can be slow for longer than any
// timeout, the clock may also jump while others could go on; that counts as a preemption. A
// scenario in which threads are never that slow says so by early_timeouts = false.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace worker_pool::lab {

struct Options {
  int max_preemptions = 2;        // switches away from a thread that could have gone on
  int max_spurious_wakeups = 1;   // in one schedule
  bool early_timeouts = true;     // may the clock jump to a timeout while somebody could go on?
  std::size_t max_steps = 5'000;  // of one schedule; more is a run that never ends
  std::size_t max_schedules = 20'000;  // of the systematic part
  std::size_t random_schedules = 200;
  std::uint64_t seed = 1;
  // How long there may be no step by a real clock before something outside the lab is blamed.
  std::chrono::milliseconds patience = std::chrono::seconds(5);
  // Result::schedule of an earlier run with the same options: runs that one only.
  std::string replay{};
};

struct Result {
  bool failed = false;
  std::string verdict{};      // what went wrong, in one line
  std::string story{};        // what happened before it, one line for each step, and the verdict
  std::string schedule{};     // the decisions that led there, for Options::replay
  int preemptions = 0;        // how many of them were preemptions
  std::size_t schedules = 0;  // how many were run, the failing one included
  bool exhaustive = false;    // every schedule within max_preemptions was run
};

// Runs `scenario` on a thread called "main", again and again. It must do the same each time except
// for the schedule, and must not block on anything but lab types.
//
// A schedule fails when a check() does, when nobody can go on (a deadlock), when the scenario ends
// with a thread still running or a lock still held, when a lock is released by a thread that does
// not hold it, when a mutex or condition variable is destroyed while a thread uses it, when an
// exception leaves a thread, or when there is no end to it: a loop that only looks and yields has
// none, as the others need not get a turn. The threads of a failed schedule stay where they are for
// the rest of the program.
Result explore(const Options& options, const std::function<void()>& scenario);

// Fails the schedule with this verdict unless `ok`. Does not return then. Inside a scenario only.
void check(bool ok, const std::string& verdict);

// A line of the story, such as "sets stop = true". Inside a scenario only.
void note(const std::string& line);

// How many threads of the scenario have not ended, the calling one included. Inside one only.
std::size_t running_threads();

// How many locks the calling thread has taken and atomics it has used so far: what orders it after
// others. (Yielding and sleeping do not.) Inside a scenario only.
std::size_t synchronisations();

}  // namespace worker_pool::lab
