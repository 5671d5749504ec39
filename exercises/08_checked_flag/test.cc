#include <exception>
#include <optional>
#include <string>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson(
    "08_checked_flag",
    "one worker loaded the rules and then set the flag; another worker read the flag without a "
    "lock and took the rules. Only a lock or an atomic makes one thread see another thread's "
    "writes in order: without it, a worker may see the flag set and the rules missing.");

const Rules kRules = {"mail goes to worker 1", "the rest goes to worker 2"};

TEST(CheckedFlag, EveryWorkerGetsAllRules) {
  const auto scenario = [] {
    lab::atomic<int> loads = 0;
    RuleCache cache([&](Rules& rules) {
      lab::check(++loads == 1, "the rules were loaded a second time");
      lab::note("loads rule 1 of 2");
      rules.push_back(kRules[0]);
      lab::this_thread::yield();  // loading takes a while
      lab::note("loads rule 2 of 2");
      rules.push_back(kRules[1]);
    });
    lab::check(loads == 0, "the rules were loaded before a worker had asked for them");

    const auto work = [&] {
      const Rules& rules = cache.get();
      lab::check(rules.size() == 2, "get() returned when " + std::to_string(rules.size()) +
                                        " of 2 rules were loaded; wanted: 2 of 2");
      lab::check(rules == kRules, "get() returned other rules than the loaded ones");
    };
    lab::thread one("worker 1", work);
    lab::thread two("worker 2", work);
    one.join();
    two.join();
    lab::check(loads == 1,
               "the rules were loaded " + std::to_string(loads) + " times; wanted: once");
  };
  expect_every_schedule(kLesson, scenario);
  // A load may return an older value, unless a memory order forbids it, as on real machines. This
  // counts as a preemption.
  expect_every_schedule(kLesson, scenario, {.random_schedules = 0, .stale_reads = true});
}

// The others are simpler: fewer schedules are enough.
const lab::Options kFewer{.max_preemptions = 1, .random_schedules = 20};
const lab::Options kExactTimes{
    .max_preemptions = 1, .early_timeouts = false, .random_schedules = 20};

// A worker that polls for so long takes more steps than a schedule may have.
TEST(CheckedFlag, EveryWorkerThatWaitsGetsTheRulesAsSoonAsTheyAreLoaded) {
  const auto scenario = [] {
    const auto takes = std::chrono::years(10) + std::chrono::nanoseconds(1);
    RuleCache cache([&](Rules& rules) {
      lab::note("loads the rules");
      lab::this_thread::sleep_for(takes);
      rules = kRules;
    });
    const auto work = [&] {
      lab::check(cache.get() == kRules, "get() returned before the rules were loaded");
      const auto late_by = lab::steady_clock::now().time_since_epoch() - takes;
      lab::check(late_by == std::chrono::nanoseconds(0),
                 "get() returned " + std::to_string(late_by.count()) +
                     " ns after the rules were loaded; wanted: at once");
    };
    lab::thread one("worker 1", work);
    lab::thread two("worker 2", work);
    lab::thread three("worker 3", work);
    one.join();
    two.join();
    three.join();
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

// Worker 2 may wake up again and again before the rules are loaded.
TEST(CheckedFlag, AWorkerWaitsHoweverOftenItWakesUp) {
  const auto scenario = [] {
    LabGate gate("the rules may be loaded");
    RuleCache cache([&](Rules& rules) {
      gate.wait();
      rules = kRules;
    });
    const auto work = [&] {
      lab::check(cache.get() == kRules, "get() returned before the rules were loaded");
    };
    lab::thread one("worker 1", work);
    gate.await_arrival();
    lab::thread two("worker 2", work);
    gate.open();
    one.join();
    two.join();
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 1, .max_spurious_wakeups = 12, .random_schedules = 0});
}

TEST(CheckedFlag, ALateWorkerGetsTheRulesAfterManyCallsToo) {
  const auto scenario = [] {
    RuleCache cache([&](Rules& rules) {
      lab::note("loads the rules");
      rules = kRules;
    });
    const auto work = [&](int calls, const Rules*& got) {
      for (int i = 0; i < calls; ++i) {
        got = &cache.get();
        lab::check(*got == kRules, "get() returned other rules than the loaded ones");
      }
    };
    const Rules* got1 = nullptr;
    const Rules* got2 = nullptr;
    lab::thread one("worker 1", [&] { work(8, got1); });
    lab::thread two("worker 2", [&] { work(1, got2); });
    one.join();
    two.join();
    lab::check(got1 == got2 && got1 == &cache.get(),
               "get() returned another object on another thread: a copy that belongs to a thread "
               "does not exist as long as the cache");
  };
  expect_every_schedule(kLesson, scenario, kFewer);
}

// If get() throws, only worker 1 calls it again, perhaps while the others wait or are about to.
TEST(CheckedFlag, TheNextCallLoadsAgainIfLoadingThrows) {
  const auto scenario = [](bool has_third) {
    struct NoRules {};
    lab::atomic<int> loads = 0;
    RuleCache cache([&](Rules& rules) {
      const int load = ++loads;
      if (load == 1) {
        lab::note("throws instead of loading the rules");
        throw NoRules();
      }
      lab::note("loads the rules");
      lab::check(load == 2, "loading threw once; then the rules were loaded twice; wanted: once");
      rules = kRules;
    });
    lab::atomic<int> thrown = 0;
    const auto throws = [&] {
      try {
        lab::check(cache.get() == kRules, "get() returned other rules than the loaded ones");
        return false;
      } catch (const NoRules&) {
        lab::note("catches what get() throws");
        ++thrown;
        return true;
      }
    };
    lab::thread one("worker 1", [&] {
      if (!throws()) return;
      lab::check(!throws(),
                 "loading threw once, and so did get(); the next call threw the same exception "
                 "again; wanted: it loads the rules");
    });
    lab::thread two("worker 2", [&] { throws(); });
    std::optional<lab::thread> three;
    if (has_third) three.emplace("worker 3", [&] { throws(); });
    one.join();
    two.join();
    if (three) three->join();
    lab::check(thrown > 0, "loading threw, but no call of get() did");
    lab::check(loads == 2, "loading threw once, and was then called " + std::to_string(loads - 1) +
                               " times; wanted: once more");
  };
  const auto two_workers = [&] { scenario(false); };
  expect_every_schedule(kLesson, two_workers, {.random_schedules = 20});
  expect_every_schedule(kLesson, two_workers, {.random_schedules = 0, .stale_reads = true});
  expect_every_schedule(kLesson, [&] { scenario(true); },
                        {.max_preemptions = 1, .random_schedules = 0});
}

// Worker 2 may wait for the second attempt, after which no other thread loads the rules.
TEST(CheckedFlag, LoadingMayThrowTheSameExceptionTwice) {
  const auto scenario = [] {
    const std::exception_ptr no_rules = std::make_exception_ptr(std::bad_optional_access());
    lab::atomic<int> loads{0, "loads"};
    RuleCache cache([&](Rules& rules) {
      if (++loads <= 2) std::rethrow_exception(no_rules);
      rules = kRules;
    });
    const auto get = [&] {
      try {
        lab::check(cache.get() == kRules, "get() returned other rules than the loaded ones");
      } catch (const std::bad_optional_access&) {
        lab::note("catches what get() throws");
      }
    };
    lab::thread one("worker 1", [&] {
      get();
      get();
    });
    lab::thread two("worker 2", get);
    one.join();
    two.join();
  };
  expect_every_schedule(kLesson, scenario, kFewer);
}

// The only thread: no other call of get() comes between.
TEST(CheckedFlag, TheThreadThatCaughtTheExceptionGetsTheRulesNext) {
  const auto scenario = [] {
    constexpr int kThrows = 5;
    int loads = 0;
    RuleCache cache([&](Rules& rules) {
      if (++loads <= kThrows) {
        lab::note("throws std::bad_optional_access instead of loading the rules");
        if (loads % 2 == 0) throw loads;
        throw std::bad_optional_access();
      }
      lab::note("loads the rules");
      rules = kRules;
    });
    for (int call = 1; call <= kThrows; ++call) {
      bool thrown = false;
      try {
        (void)cache.get();
      } catch (const std::bad_optional_access&) {
        thrown = call % 2 == 1;
      } catch (int number) {
        thrown = number == call;
      } catch (...) {
      }
      lab::check(loads == call, "loading threw each time, and was called " + std::to_string(loads) +
                                    " times for " + std::to_string(call) + " calls of get()");
      lab::check(thrown, "loading threw, but get() did not throw the same exception");
      lab::note("catches what loading threw, and calls get() again");
    }
    const Rules& rules = cache.get();
    lab::check(rules == kRules, "get() threw because loading had thrown; the next call returned " +
                                    std::to_string(rules.size()) + " of 2 rules");
    lab::check(loads == kThrows + 1,
               "loading threw each time but the last, and was called again after that");
  };
  expect_every_schedule(kLesson, scenario, kFewer);
}

TEST(CheckedFlag, TwoCachesShareNothing) {
  const auto scenario = [] {
    RuleCache cache([&](Rules& rules) {
      lab::note("loads the rules");
      rules = kRules;
    });
    RuleCache derived([&](Rules& rules) {
      lab::note("loads the derived rules, which need the others");
      rules = cache.get();
      rules.push_back("but spam goes nowhere");
    });
    const auto work = [&](RuleCache& first, RuleCache& second) {
      (void)first.get();
      (void)second.get();
      const Rules& rules = cache.get();
      const Rules& more = derived.get();
      lab::check(more.size() == 3, "get() of a second cache returned " +
                                       std::to_string(more.size()) + " of 3 rules; wanted: 3 of 3");
      lab::check(rules == kRules, "get() of a second cache changed the rules of the first one");
    };
    lab::thread one("worker 1", [&] { work(cache, derived); });
    lab::thread two("worker 2", [&] { work(derived, cache); });
    one.join();
    two.join();
  };
  expect_every_schedule(kLesson, scenario, kFewer);
}

TEST(CheckedFlag, ANewCacheInThePlaceOfAnOldOneIsLoadedToo) {
  const auto scenario = [] {
    std::optional<RuleCache> cache;
    for (const std::string& rule : kRules) {
      lab::note("creates a cache");
      cache.emplace([&](Rules& rules) { rules = {rule}; });
      lab::check(cache->get() == Rules{rule}, "get() did not return the rules of this cache");
    }
  };
  expect_every_schedule(kLesson, scenario, kFewer);

  // A worker has used the old one, too.
  const auto with_worker = [] {
    LabGate replaced("the second cache has been created");
    std::optional<RuleCache> cache;
    const auto create = [&](const std::string& rule) {
      lab::note("creates a cache");
      cache.emplace([&](Rules& rules) { rules = {rule}; });
    };
    const auto check_rule = [&](const std::string& rule) {
      lab::check(cache->get() == Rules{rule}, "get() did not return the rules of this cache");
    };
    create(kRules[0]);
    lab::thread worker("worker", [&] {
      check_rule(kRules[0]);
      replaced.wait();
      check_rule(kRules[1]);
    });
    replaced.await_arrival();
    create(kRules[1]);
    replaced.open();
    worker.join();
    check_rule(kRules[1]);
  };
  expect_every_schedule(kLesson, with_worker, kFewer);
}

TEST(CheckedFlag, TwoThreadsMayCreateCaches) {
  const auto scenario = [] {
    const auto work = [](const std::string& rule) {
      lab::note("creates a cache");
      int loads = 0;
      RuleCache cache([&](Rules& rules) {
        if (++loads == 1) throw loads;
        rules = {rule};
      });
      try {
        (void)cache.get();
      } catch (int) {
        lab::note("catches what get() throws");
      }
      lab::check(cache.get() == Rules{rule}, "get() did not return the rules of this cache");
    };
    lab::thread one("worker 1", [&] { work(kRules[0]); });
    lab::thread two("worker 2", [&] { work(kRules[1]); });
    one.join();
    two.join();
  };
  expect_every_schedule(kLesson, scenario, kFewer);
}

TEST(CheckedFlag, NoRulesAreLoadedOnceToo) {
  const auto scenario = [] {
    lab::atomic<int> loads = 0;
    RuleCache cache([&](Rules&) {
      lab::this_thread::yield();  // loading takes a while
      lab::note("finds no rules");
      lab::check(++loads == 1, "the rules were loaded again, because there are none");
    });
    const auto work = [&] {
      lab::check(cache.get().empty(), "get() returned rules; none were loaded");
      lab::check(loads == 1, "the rules were not loaded");
    };
    lab::thread one("worker 1", work);
    lab::thread two("worker 2", work);
    one.join();
    two.join();
    work();
  };
  expect_every_schedule(kLesson, scenario, kFewer);
}

}  // namespace
}  // namespace worker_pool
