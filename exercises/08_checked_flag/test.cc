#include <string>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson(
    "08_checked_flag",
    "one worker loaded the rules and then set the flag; another worker read the flag without a "
    "lock "
    "and took the rules. Only a lock or an atomic makes one thread see another thread's writes in "
    "order: without it, a worker may see the flag set and the rules missing.");

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
    lab::check(loads == 0, "the rules were loaded before a worker had asked for them");

    const auto work = [&] {
      const Rules& rules = cache.get();
      lab::check(rules.size() == 2, "get() returned when " + std::to_string(rules.size()) +
                                        " of 2 rules were loaded; wanted: 2 of 2");
    };
    lab::thread one("worker 1", work);
    lab::thread two("worker 2", work);
    one.join();
    two.join();
    lab::check(loads == 1,
               "the rules were loaded " + std::to_string(loads) + " times; wanted: once");
  });
}

}  // namespace
}  // namespace worker_pool
