#include <cstddef>
#include <memory>
#include <string>

#include "exercises/harness/lesson.h"
#include "exercises/harness/probes.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

constexpr Lesson kLesson(
    "20_nested_wait",
    "every worker ran a job that submitted other jobs and waited for them. These were queued "
    "behind it, and all workers that could have run them were waiting: the pool is full of jobs "
    "that wait for jobs that nothing runs, and it stays so, whatever its size.");

// Submits `count` jobs to a group of its own, and waits for them.
void run_inner_jobs(Pool& pool, int count, int workers, lab::atomic<int>& done) {
  lab::atomic<int> ran = 0;
  const auto inner = std::make_unique<Group>();  // so that the lab sees when it is destroyed
  for (int i = 0; i < count; ++i) {
    pool.submit(*inner, [&done, &ran, workers] {
      lab::check(lab::running_threads() <= static_cast<std::size_t>(workers) + 1,
                 "the pool has started more threads than its constructor was asked for");
      ++ran;
      ++done;
    });
  }
  lab::note("waits for its inner jobs");
  pool.wait(*inner);
  lab::check(ran == count, "wait() returned, but only " + std::to_string(int{ran}) + " of " +
                               std::to_string(count) + " jobs of its group have run");
}

TEST(NestedWait, AJobWaitsForItsJobs) {
  const auto scenario = [] {
    lab::atomic<int> done = 0;
    Pool pool(1);
    Group outer;
    pool.submit(outer, [&] {
      lab::note("runs the outer job");
      run_inner_jobs(pool, 1, 1, done);
    });
    pool.wait(outer);
    lab::check(done == 1, "wait() returned, but the inner job has not run");
  };
  expect_every_schedule(kLesson, scenario, {.max_schedules = 250, .random_schedules = 20});
}

TEST(NestedWait, AllWorkersWait) {
  const auto scenario = [] {
    lab::atomic<int> done = 0;
    Pool pool(2);
    Group outer;
    for (int i = 0; i < 3; ++i) pool.submit(outer, [&] { run_inner_jobs(pool, 2, 2, done); });
    pool.wait(outer);
    lab::check(done == 6, "wait() returned, but only " + std::to_string(int{done}) +
                              " of 6 inner jobs have run");
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 1, .max_schedules = 150, .random_schedules = 30});
}

// The waiter may wait for the job, and then destroy the group, before submit() has returned.
TEST(NestedWait, AfterWaitTheGroupMayBeDestroyed) {
  const auto scenario = [] {
    int done = 0;
    bool destroyed = false;
    auto group = std::make_unique<Group>();
    LabGate started("job");
    Pool pool(1);
    lab::jthread waiter("waiter", [&] {
      started.wait();
      pool.wait(*group);
      group.reset();
      lab::check(done == 1, "wait() returned, but a job of the group was running");
      lab::check(destroyed, "wait() returned, but what the job owns still exists");
    });
    pool.submit(*group, [&, owned = at_the_end([&] { destroyed = true; })] {
      started.open();
      ++done;
    });
  };
  expect_every_schedule(kLesson, scenario, {.max_schedules = 300, .random_schedules = 20});
}

// Waits for jobs that do the same: one at a time, but two at depths 1 to 3. Adds up the leaves.
int count_leaves(Pool& pool, int depth) {
  if (depth == 0) return 1;
  int left = 0, right = 0;
  const auto inner = std::make_unique<Group>();
  pool.submit(*inner, [&] { left = count_leaves(pool, depth - 1); });
  if (depth <= 3) pool.submit(*inner, [&] { right = count_leaves(pool, depth - 1); });
  pool.wait(*inner);
  return left + right;
}

TEST(NestedWait, AnyNumberOfWaitsMayBeNested) {
  for (const int workers : {1, 2}) {
    const auto scenario = [workers] {
      lab::atomic<int> leaves = 0;
      {
        Group outer;
        Pool pool(workers);
        for (const int depth : {130, 3})
          pool.submit(outer, [&, depth] { leaves.fetch_add(count_leaves(pool, depth)); });
        for (int i = 0; i < 100; ++i) pool.submit(outer, [&] { ++leaves; });
      }
      lab::check(leaves == 116, "the pool was destroyed, but not all its jobs have run");
    };
    expect_every_schedule(kLesson, scenario,
                          {.max_preemptions = 0, .max_schedules = 8, .random_schedules = 5});
  }
}

// No thread is delayed for as long as the jobs and sleeps below, and none can poll for years.
lab::Options exact_times(int preemptions, int spurious_wakeups) {
  return {.max_preemptions = preemptions,
          .max_spurious_wakeups = spurious_wakeups,
          .early_timeouts = false,
          .max_schedules = 100,
          .random_schedules = 20};
}
const lab::Options kExactTimes = exact_times(1, 0);
constexpr auto kYear = 24h * 365;

Job takes(lab::steady_clock::duration time, lab::atomic<int>& done) {
  return [time, &done] {
    lab::this_thread::sleep_for(time);
    ++done;
  };
}

// Of the jobs that a group adds all the time, ten may start before an older job of another group.
TEST(NestedWait, JobsStartAtOnceAndInParallel) {
  const auto scenario = [] {
    lab::atomic<int> done = 0, done_other = 0;
    Group group, first, last;
    Pool pool(2);
    pool.wait(group);
    lab::this_thread::sleep_for(10 * kYear);
    for (int i = 0; i < 2; ++i) pool.submit(group, takes(kYear, done));
    check_time(10 * kYear, "submit() ran the job, or waited for it");
    lab::this_thread::sleep_for(30min);  // by then, both run
    const Job adds_next = [&] {
      takes(1h, done)();
      if (done <= 30) pool.submit(group, adds_next);
    };
    pool.submit(first, takes(1h, done_other));
    for (int i = 0; i < 4; ++i) pool.submit(group, adds_next);
    pool.submit(last, takes(1h, done_other));
    lab::this_thread::sleep_for(kYear);
    lab::check(done == 2, "2 workers did not run 2 jobs of a year within a year");
    lab::jthread waiter("waiter", [&] { pool.wait(group); });
    lab::this_thread::sleep_for(8h);
    lab::check(done_other == 2, "a job does not run, because another group adds jobs all the time");
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

TEST(NestedWait, AThreadSleepsHoweverOftenItWakesUp) {
  const auto scenario = [] {
    lab::atomic<int> done = 0;
    Group group;
    Pool pool(1);
    lab::this_thread::sleep_for(1h);  // the worker wakes up for no reason
    pool.submit(group, takes(100 * kYear, done));
    lab::this_thread::sleep_for(1h);  // by then, the job runs
    pool.wait(group);                 // and here main wakes up
    lab::check(done == 1, "wait() returned, but the job has not finished");
    check_time(100 * kYear + 1h, "a free worker did not run the job, or wait() returned late");
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0, .max_spurious_wakeups = 5, .random_schedules = 0});
}

// Of three jobs, the worker that waits runs one and the other worker two, or the other way round.
TEST(NestedWait, AWaitingWorkerIsOneOfTheWorkers) {
  const auto scenario = [] {
    lab::atomic<int> done = 0;
    Pool pool(2);
    Group outer;
    pool.submit(outer, [&] {
      Group inner;
      for (int i = 0; i < 3; ++i) pool.submit(inner, takes(kYear, done));
      check_time(0h, "submit() ran the job, or waited for it");
      pool.wait(inner);
      lab::check(done == 3, "wait() returned, but not all jobs of the group have finished");
      check_time(2 * kYear, "2 workers did not run 3 jobs of a year within 2 years");
    });
    lab::this_thread::sleep_for(3 * kYear);
    pool.wait(outer);
    check_time(3 * kYear, "wait() did not return at once, although no job was left");
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

// A job waits for a year's job, or two, while jobs of another group, which take longer, are queued
// before it, behind it, or both. The second worker is free, or busy for an hour.
TEST(NestedWait, WaitRunsNoOtherGroupsJobs) {
  for (const bool busy : {true, false}) {
    for (const std::string order : {"oi", "io", "oio", "oii"}) {
      const auto scenario = [busy, &order] {
        lab::atomic<int> done = 0;
        Group other, outer;
        Pool pool(2);
        LabGate started("second worker"), go("jobs are queued");
        if (busy)
          pool.submit(other, [&] {
            started.open();
            go.wait();
            lab::this_thread::sleep_for(1h);
          });
        pool.submit(outer, [&] {
          if (busy) started.wait();
          Group inner;
          for (const char kind : order)
            pool.submit(kind == 'i' ? inner : other, takes((kind == 'i' ? 1 : 10) * kYear, done));
          go.open();
          pool.wait(inner);
          const auto took = lab::steady_clock::now().time_since_epoch();
          const bool in_turn = order == "oii" && (took == 2 * kYear || took == kYear + 1h);
          lab::check(took == kYear || in_turn,
                     "wait() returned late: it left a job of its group queued, or ran another's");
        });
        lab::this_thread::sleep_for(50 * kYear);
        lab::check(done == static_cast<int>(order.size()), "a job of another group did not run");
      };
      expect_every_schedule(kLesson, scenario, exact_times(0, 0));
    }
  }
}

// One worker waits for a group, another one for any job. Then a job of another group is submitted,
// and an hour later two jobs of the group: by main, or by a job of the group.
TEST(NestedWait, JobsAreAddedToAGroupThatAWorkerWaitsFor) {
  for (const bool by_job : {true, false}) {
    const auto scenario = [by_job] {
      lab::atomic<int> done = 0;
      LabGate started("first job of the group");
      Group outer, inner;
      Pool pool(3);
      const auto add = [&] {
        lab::note("adds two jobs to the group");
        for (int i = 0; i < 2; ++i) pool.submit(inner, takes(kYear, done));
      };
      pool.submit(outer, [&] {
        pool.submit(inner, [&] {
          started.open();
          lab::this_thread::sleep_for(2h);
          if (by_job) add();
          lab::this_thread::sleep_for(kYear);
        });
        started.wait();
        pool.wait(inner);
        lab::check(done == 3, "wait() returned, but not all jobs of the group have finished");
        check_time(kYear + 2h, "a free worker, or one that waits, did not run a new job at once");
      });
      lab::this_thread::sleep_for(1h);
      pool.submit(outer, takes(10min, done));
      lab::this_thread::sleep_for(by_job ? 30min : 1h);
      lab::check(done == 1, "a worker was free, but a job of another group did not run at once");
      if (!by_job) add();
      pool.wait(outer);
    };
    expect_every_schedule(kLesson, scenario, kExactTimes);
    expect_every_schedule(kLesson, scenario, exact_times(0, 1));
  }
}

// None of them runs the job of another group, which is still queued when theirs has finished.
TEST(NestedWait, SeveralThreadsMayWaitForAGroup) {
  const auto scenario = [] {
    lab::atomic<int> done = 0, done_later = 0;
    Group other, group;
    Pool pool(1);
    LabGate started("job");
    pool.submit(group, [&] {
      started.open();
      takes(kYear, done)();
    });
    started.wait();
    pool.submit(other, takes(10 * kYear, done_later));
    const auto wait = [&] {
      pool.wait(group);
      lab::check(done == 1, "wait() returned, but the job has not finished");
      check_time(kYear, "wait() did not return when the job had finished");
    };
    lab::jthread second("waiter 2", wait);
    lab::jthread third("waiter 3", wait);
    wait();
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

// Main, which need not help, and two workers wait for a group. After an hour, a job of it adds two.
TEST(NestedWait, SeveralWorkersMayWaitForAGroup) {
  for (const bool first_is_last : {true, false}) {
    const auto scenario = [first_is_last] {
      const auto end = first_is_last ? kYear * 3 / 2 : kYear + 1h;
      lab::atomic<int> done = 0;
      LabGate started("first job of the group");
      Group outer, shared;
      Pool pool(3);
      const auto wait = [&] {
        started.wait();
        pool.wait(shared);
        lab::check(done == 3, "wait() returned, but not all jobs of the group have finished");
        check_time(end, "two workers waited for two jobs, but did not run them at once");
      };
      for (int i = 0; i < 2; ++i) pool.submit(outer, wait);
      pool.submit(shared, [&] {
        started.open();
        lab::this_thread::sleep_for(1h);
        for (const auto time : {kYear, kYear / 2}) pool.submit(shared, takes(time, done));
        takes(first_is_last ? end - 1h : kYear / 3, done)();
      });
      for (Group* group : {&shared, &outer}) pool.wait(*group);
      check_time(end, "wait() did not return when the last job had finished");
    };
    expect_every_schedule(kLesson, scenario, kExactTimes);
  }
}

TEST(NestedWait, NoLockIsHeldWhileACopyOfAJobIsDestroyed) {
  const auto scenario = [] {
    Group group, others;
    Pool pool(1);
    const auto submit = [&] { pool.submit(others, [] {}); };
    lab::note("submits jobs that submit another one whenever a copy of them is destroyed");
    pool.submit(group, [&pool, submit] {
      Group inner;
      pool.submit(inner, [end = EachCopyAtTheEnd(submit)] {});
      pool.wait(inner);  // runs the inner job
    });
    pool.submit(group, [end = EachCopyAtTheEnd(submit)] {});
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

TEST(NestedWait, AJobMayBeAddedWhenTheWaitBegins) {
  const auto scenario = [] {
    LabGate started("outer job");
    Group outer, inner;
    Pool pool(1);
    pool.submit(outer, [&] {
      started.open();
      pool.wait(inner);
    });
    started.wait();
    pool.submit(inner, [] {});
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

// By the only worker, which runs them while it waits for them, or afterwards.
TEST(NestedWait, JobsRunAndAreDestroyedInOrder) {
  for (const bool nested : {true, false}) {
    const auto scenario = [nested] {
      lab::atomic<int> destroyed = 0, done = 0;
      std::string order;
      Group outer, inner, last;
      Pool pool(1);
      const auto submit_inner = [&](char name) {
        const auto clean_up = [&] {
          lab::this_thread::sleep_for(1h);
          pool.submit(last, [&] { run_inner_jobs(pool, 1, 1, done); });
          ++destroyed;
        };
        pool.submit(inner, [&, name, owned = at_the_end(clean_up)] {
          order += name;
          lab::check(std::string("123").starts_with(order), "wrong order of the jobs: " + order);
          lab::check(destroyed == name - '1', "a job has run, but what it owns still exists");
        });
      };
      pool.submit(outer, [&] {
        lab::this_thread::sleep_for(1h);  // by then, job 1 is queued
        for (const char name : {'2', '3'}) submit_inner(name);
        if (!nested) return;
        pool.wait(inner);
        lab::check(destroyed == 3, "wait() returned, but what a job owns still exists");
        check_time(4h, "wait() did not return when the last job had finished");
      });
      submit_inner('1');
      lab::this_thread::sleep_for(kYear);
      for (Group* group : {&outer, &inner, &last}) pool.wait(*group);
      lab::check(order == "123", "of jobs 1 to 3, only these have run: " + order);
      lab::check(done == 3, "a job did not run that was submitted while another one was destroyed");
    };
    expect_every_schedule(kLesson, scenario, kExactTimes);
  }
}

}  // namespace
}  // namespace worker_pool
