// The explorer: runs a small concurrent scenario under many schedules, until one breaks it.
//
//   const lab::Result result = lab::explore({}, [] {
//     Queue queue;                                        // built on lab::mutex and the like
//     lab::thread worker("worker", [&] { queue.pop(); });
//     queue.push(1);
//     worker.join();
//   });
//   EXPECT_FALSE(result.failed) << result.story;
//
// The threads are real, but exactly one runs at a time. Each operation on a lab type (lab.h) is a
// point where the explorer chooses the thread that runs next. It tries all schedules without a
// preemption, then all with one, and so on, within the limits of Options: most bugs need no more
// than two (Musuvathi and Qadeer, PLDI 2007). Then it tries schedules with random priorities
// (Burckhardt et al., ASPLOS 2010). A schedule that fails is made as simple as possible: without
// the switches that it fails without. The same options give the same schedules on every machine.
//
// Time is virtual. When no thread can run, the clock jumps to the earliest timeout. So a wait of
// one hour costs nothing and takes exactly one hour of virtual time. A real thread can be delayed
// for longer than any timeout, so the clock may also jump while a thread could run; this counts as
// a preemption. Then a thread whose time has come goes on, or the running one does. Set
// early_timeouts = false for a scenario in which no thread is that slow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace worker_pool::lab {

class Recorder;  // engine/recorder.h

struct Options {
  int max_preemptions = 2;             // switches away from a thread that could have run on
  int max_spurious_wakeups = 1;        // in one schedule; a try_lock() that fails for no reason
                                       // counts as one, and so does a compare_exchange_weak()
  bool early_timeouts = true;          // the clock may jump to a timeout while a thread could run
  std::size_t max_steps = 5'000;       // of one schedule; more count as an endless run
  std::size_t max_schedules = 20'000;  // of the systematic part
  std::size_t random_schedules = 200;
  std::uint64_t seed = 1;
  // The longest real time for one step. A thread that needs longer is taken to be in a loop that
  // never ends, or blocked outside the lab, and the program ends with a message.
  int stall_limit_ms = 5'000;
  // Result::schedule of an earlier run with the same options. Only that schedule is run.
  std::string replay{};
  Recorder* recorder = nullptr;  // for schedule_tree.h

  // An atomic load may return an older value, as C++ allows: a lab::atomic<T> (lab.h says for which
  // T), and in code with hooks (engine/README.md) a std::atomic. Each such load counts as a
  // preemption.
  bool stale_reads = false;

  // For code with hooks: threads also switch at the counts of std::shared_ptr.
  bool reference_counts = false;

  // For code with hooks: a schedule fails if it never frees memory that it has allocated. What its
  // static variables allocate may stay.
  bool must_free_memory = false;
};

struct Result {
  bool failed = false;
  std::string verdict{};      // what went wrong, in one line
  bool leaks = false;         // all that went wrong is that memory was never freed
  std::string story{};        // the steps before it, one line each, and the verdict
  std::string schedule{};     // the choices that led to it, for Options::replay
  int preemptions = 0;        // how many of these choices were preemptions
  std::size_t schedules = 0;  // how many were run, including the failing one
  bool exhaustive = false;    // every schedule within the limits on preemptions and spurious
                              // wake-ups was run; where a spinning thread lets the others run
                              // first (7. below), letting it continue counts as a preemption
};

// Runs `scenario` once for each schedule, on a thread called "main". Apart from the schedule, every
// run must behave the same, and it must block on lab types only.
//
// A schedule fails if
//   1. a check() fails,
//   2. no thread can run (a deadlock),
//   3. the scenario returns while a thread is running or a lock is held,
//   4. a thread releases a lock that it does not hold,
//   5. a mutex or condition variable is destroyed while a thread uses it,
//   6. an exception escapes from a thread,
//   7. it takes more than max_steps steps. A thread that waits in a loop does, for example for a
//      spin lock on a lab::atomic, even if it calls lab::this_thread::yield(): the explorer need
//      not schedule the other threads. A loop on a std::atomic lets them run before it sees the
//      same value for the third time in a row, or when it calls std's yield(). With stale_reads, so
//      do the loads of a lab::atomic, or
//   8. in code that is compiled for it (hooks.bzl): two threads have a data race, a thread uses
//      memory after it was freed, its stack overflows, or it crashes.
// The threads of a failed schedule stay blocked for the rest of the program.
Result explore(const Options& options, const std::function<void()>& scenario);

// Fails the schedule with this verdict, and does not return, unless `ok`. Inside a scenario only.
void check(bool ok, const std::string& verdict);

// Adds a line to the story, such as "sets stop = true". Inside a scenario only.
void note(const std::string& line);

// The number of threads that have not exited, including the caller. Inside a scenario only.
std::size_t running_threads();

}  // namespace worker_pool::lab
