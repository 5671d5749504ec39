#include <gtest/gtest.h>

#include <cstddef>
#include <string>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson(
    "08_checked_flag",
    "one worker loaded the rules and then set the flag; another one looked at the flag and took "
    "the rules. Only what is ordered by a lock or an atomic is seen in that order: it may find the "
    "flag set and the rules missing.");

TEST(CheckedFlag, EveryWorkerGetsAllRules) {
  expect_every_schedule(kLesson, [] {
    int loads = 0;
    RuleCache cache([&](Rules& rules) {
      lab::check(++loads == 1, "the rules were loaded a second time");
      lab::note("loads rule 1 of 2");
      rules.push_back("mail goes to worker 1");
      lab::this_thread::yield();  // loading takes a while
      lab::note("loads rule 2 of 2");
      rules.push_back("the rest goes to worker 2");
    });
    lab::check(loads == 0, "the rules were loaded before anybody had asked for them");

    const auto work = [&] {
      const std::size_t before = lab::synchronizations();
      const Rules& rules = cache.get();
      const bool has_synchronised = lab::synchronizations() != before;
      lab::note(std::string("has the rules, by ") +
                (has_synchronised ? "a lock or an atomic" : "a look at plain memory"));
      lab::check(rules.size() == 2, "get() returned when " + std::to_string(rules.size()) +
                                        " of 2 rules were loaded; wanted: 2 of 2");
      // Neither a lock nor an atomic: nothing orders this thread after the one that loaded the
      // rules.
      lab::check(
          has_synchronised,
          "data race: no lock and no atomic orders this get() after the loading, so outside "
          "the lab the rules may be missing (the lab sees no std::atomic and no std::call_once)");
    };
    lab::thread one("worker 1", work);
    lab::thread two("worker 2", work);
    one.join();
    two.join();
    lab::check(loads == 1, "the rules were loaded " + std::to_string(loads) + " times");
  });
}

}  // namespace
}  // namespace worker_pool
