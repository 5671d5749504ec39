// What the test of an exercise is made of: a scenario, the explorer, and the lesson that a failure
// ends with.
//
//   constexpr Lesson kLesson("03_lost_stop", "the worker looked at stop before it was set, ...");
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
  // `name`: the exercise's folder. `text`: one line that says what happened, in the order it
  // happened, and why that loses work.
  constexpr Lesson(std::string_view name, std::string_view text)
      : exercise(name), explanation(text) {}

  std::string_view exercise;
  std::string_view explanation;
};

// Runs the scenario under every schedule (lab::explore). When one breaks it, the test fails with
// the story of that schedule, and then the lesson. With the environment variable LAB_REPLAY, runs
// that schedule only.
void expect_every_schedule(const Lesson& lesson, const std::function<void()>& scenario,
                           lab::Options options = {},
                           std::source_location where = std::source_location::current());

// Holds threads of a scenario at one point until the test opens it: a job that waits at a gate is
// certainly running and certainly not done.
class LabGate {
 public:
  explicit LabGate(std::string name) : name_(std::move(name)) {}

  void open();
  void wait();           // until open() has been called
  void await_arrival();  // until somebody has called wait()

 private:
  const std::string name_;
  bool arrived_ = false;
  bool open_ = false;
};

}  // namespace worker_pool
