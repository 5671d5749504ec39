// For the tests of exercises: runs a scenario under the explorer and ends a failure with a lesson.
//
//   constexpr Lesson kLesson("03_lost_stop", "the worker checked stop before it was set, ...");
//
//   TEST(LostStop, WorkerEndsWhenItIsAskedTo) {
//     expect_every_schedule(kLesson, [] {
//       Worker worker;
//       lab::thread thread("worker", [&] { worker.run(); });
//       worker.stop();
//       thread.join();
//     });
//   }
#pragma once

#include <functional>
#include <source_location>
#include <string>
#include <string_view>

#include "testing/lab/explorer.h"
#include "testing/lab/lab.h"

namespace worker_pool {

struct Lesson {
  // `name` is the exercise's folder. `text` is one line: what happened, in the order it happened,
  // and what it costs.
  constexpr Lesson(std::string_view name, std::string_view text)
      : exercise(name), explanation(text) {}

  std::string_view exercise;
  std::string_view explanation;
};

// Runs the scenario under every schedule that lab::explore() tries: those within the limits of
// `options` (by default at most two preemptions and one spurious wake-up), then seeded random ones.
// If a schedule breaks the scenario, the test fails with the story of that schedule, followed by
// the lesson. If the environment variable LAB_REPLAY names a schedule, runs only that one; if it
// passes, the test counts as skipped, not as passed.
void expect_every_schedule(const Lesson& lesson, const std::function<void()>& scenario,
                           lab::Options options = {},
                           std::source_location where = std::source_location::current());

// Holds threads of a scenario until the test opens the gate. A job that waits at a gate has started
// and has not finished. What comes before open() is ordered before what follows wait(), and what
// comes before wait() before what follows await_arrival().
class LabGate {
 public:
  explicit LabGate(std::string name);
  LabGate(const LabGate&) = delete;
  LabGate& operator=(const LabGate&) = delete;

  void open();
  void wait();           // blocks until open() has been called
  void await_arrival();  // blocks until a thread has called wait()

 private:
  const std::string name_;
  const char arrival_ = 0;
  const char opening_ = 0;
};

}  // namespace worker_pool
