#include <memory>
#include <string>
#include <utility>

#include "exercises/harness/lesson.h"
#include "exercises/harness/probes.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

constexpr Lesson kLesson(
    "15_self_join",
    "main released the pool while a job still owned it, so the job was the last owner. ~Pool ran "
    "on the worker and tried to join it: outside the lab, join() throws, std::terminate ends the "
    "process, and the queue is lost with it.");

// Checks the pool's destruction on the thread that destroys it, before any thread can use it again.
std::shared_ptr<Pool> make_pool() {
  const auto end = [](Pool* pool) {
    lab::note("is the last owner of the pool: ~Pool starts");
    std::unique_ptr<Pool>(pool).reset();
    lab::check(lab::running_threads() == 1,
               "the pool has been destroyed, but main is not the only thread left: a thread that "
               "nothing waits for still runs");
  };
  return {std::make_unique<Pool>().release(), end};
}

// Main goes on for an hour without the pool, and then checks what has run.
void expect_done(const std::string& done, const std::string& wanted) {
  lab::this_thread::sleep_for(1h);
  lab::check(lab::running_threads() == 1,
             "an hour after main released the pool, its worker still runs");
  lab::check(done == wanted, "ran: " + done + "; wanted: " + wanted);
}

TEST(SelfJoin, MainLetsGoWhileAJobRuns) {
  expect_every_schedule(kLesson, [] {
    LabGate gate("first job");
    std::string done;
    {
      const std::shared_ptr<Pool> pool = make_pool();
      const auto first = [&] {
        gate.wait();
        done += "first ";
      };
      submit_both(pool, first, [&] { done += "second "; });
      gate.await_arrival();
      pool->submit([&] { done += "other "; });
      gate.open();
      lab::note("releases the pool");
    }
    expect_done(done, "first other second ");
  });
}

// The two jobs belong to the old pool, even if main's pointer now refers to another one, and even
// if the other one has been given two jobs too.
TEST(SelfJoin, MainTakesAnotherPool) {
  const auto scenario = [] {
    std::string done;
    auto pool = std::make_shared<Pool>();
    submit_both(pool, [&] { done += "first "; }, [&] { done += "second "; });
    auto other = std::make_shared<Pool>();
    submit_both(other, [] {}, [] {});
    lab::note("replaces the pool with another one");
    pool = std::move(other);
    const std::string verdict = "the old pool must run all its jobs before it is destroyed; ran: ";
    lab::check(done == "first second ", verdict + done);
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 1, .max_spurious_wakeups = 0, .random_schedules = 50});
}

// Before that, the pool has no job for ten years. A thread that polls for so long, or for as long
// as the jobs take, takes more steps than a schedule may have.
TEST(SelfJoin, MainWaitsForLongJobs) {
  static constexpr auto kYear = 24h * 365;
  const auto scenario = [] {
    std::string done;
    const auto job = [&done](const char* name) {
      return [&done, name] {
        lab::check(lab::running_threads() == 2, "there is a thread besides main and the worker");
        lab::this_thread::sleep_for(2 * kYear);
        done += name;
      };
    };
    {
      const std::shared_ptr<Pool> pool = make_pool();
      lab::this_thread::sleep_for(10 * kYear);
      submit_both(pool, job("1 "), job("4 "));
      submit_both(pool, job("2 "), job("5 "));
      pool->submit(job("3 "));
      lab::note("releases the pool");
    }
    lab::check(lab::running_threads() == 1, "main released the pool, but its worker still runs");
    lab::check(done == "1 2 3 4 5 ", "ran: " + done + "; wanted: 1 2 3 4 5");
    lab::check(lab::steady_clock::now().time_since_epoch() == 20 * kYear,
               "main did not wait for exactly as long as the jobs took");
  };
  expect_every_schedule(kLesson, scenario, {.early_timeouts = false, .random_schedules = 50});
}

// All this happens while main owns the pool. No thread is so slow that time passes.
TEST(SelfJoin, JobsRunInTheOrderInWhichTheyAreSubmitted) {
  const auto scenario = [] {
    LabGate first("first job");
    LabGate between("job between");
    LabGate last("last job");
    std::string done;
    auto pool = std::make_shared<Pool>();
    submit_both(
        pool,
        [&] {
          first.wait();
          done += "first ";
        },
        [&] { done += "second "; });
    pool->submit([&] {
      between.wait();
      done += "between ";
    });
    first.open();
    between.await_arrival();
    lab::note("submits the last job");
    pool->submit([&] {
      done += "last ";
      last.open();
    });
    between.open();
    last.wait();
    lab::check(done == "first between second last ",
               "ran: " + done + "; wanted: first between second last");
    pool.reset();
    lab::check(lab::steady_clock::now().time_since_epoch() == 0s,
               "main did not wait for exactly as long as the jobs took");
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 1,
                         .max_spurious_wakeups = 0,
                         .early_timeouts = false,
                         .random_schedules = 50});
}

// The worker of the pool has no job for an hour. While the pool is being destroyed, the second job
// waits for a job of a third pool, which submits one more.
TEST(SelfJoin, AUserMayBeAJobOfAnotherPool) {
  const auto scenario = [] {
    Pool other;
    other.submit([] {
      LabGate second("second job");
      std::string done;
      auto pool = std::make_shared<Pool>();
      Pool* const plain = pool.get();
      lab::this_thread::sleep_for(1h);
      submit_both(
          pool, [&] { done += "first "; },
          [&] {
            second.open();
            lab::this_thread::sleep_for(1h);
            Pool().submit([&] { plain->submit([&] { done += "last "; }); });
            done += "second ";
          });
      second.wait();
      lab::note("releases the pool while the second job runs");
      pool.reset();
      lab::check(lab::running_threads() == 2,
                 "the last user, a job of another pool, released the pool, but its worker still "
                 "runs");
      lab::check(done == "first second last ", "ran: " + done + "; wanted: first second last");
    });
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0, .early_timeouts = false, .random_schedules = 20});
}

// The first job submits one to the empty queue. Then it holds the worker, while main submits pairs.
TEST(SelfJoin, SubmitBothWaitsForNoJob) {
  const auto scenario = [] {
    constexpr int kPairs = 1'500;
    LabGate gate("first job");
    bool has_submitted = false;
    int done = 0;
    auto pool = std::make_shared<Pool>();
    Pool* const plain = pool.get();
    pool->submit([&, end = at_the_end([&] { plain->submit([&] { ++done; }); })] {
      plain->submit([&] {
        lab::check(has_submitted, "submit() ran a job inside the job that submitted it");
      });
      has_submitted = true;
      gate.wait();
    });
    gate.await_arrival();
    lab::note("calls submit_both() 1500 times");
    for (int i = 0; i < kPairs; ++i) submit_both(pool, [&] { ++done; }, [&] { ++done; });
    gate.open();
    pool.reset();
    lab::check(done == 2 * kPairs + 1,
               std::to_string(done) + " jobs have run; wanted: " + std::to_string(2 * kPairs + 1));
  };
  expect_every_schedule(
      kLesson, scenario,
      {.max_preemptions = 0, .early_timeouts = false, .max_steps = 50'000, .random_schedules = 0});
}

// The job may be the last one, whether main releases the pool at once or an hour later. A load of
// an atomic may return an older value, unless a memory order forbids it, as on real machines.
TEST(SelfJoin, TheDestructorOfAJobMaySubmitAnother) {
  for (const auto pause : {0h, 1h}) {
    const auto scenario = [pause] {
      lab::atomic<bool> done = false;
      {
        const std::shared_ptr<Pool> pool = make_pool();
        Pool* const plain = pool.get();
        const auto submit_another = [&, plain] { plain->submit([&] { done = true; }); };
        lab::note("submits a job whose destructor submits another one");
        pool->submit([end = at_the_end(submit_another)] {});
        lab::this_thread::sleep_for(pause);
        lab::check(done || pause == 0h, "a job ran an hour ago, but what it owns still exists");
        lab::note("releases the pool");
      }
      lab::check(done, "the job that the destructor of the last job submits has not run");
    };
    expect_every_schedule(kLesson, scenario,
                          {.max_spurious_wakeups = 0,
                           .early_timeouts = false,
                           .random_schedules = 20,
                           .stale_reads = true});
  }
}

// Both of them are queued when the worker takes the first one.
TEST(SelfJoin, AJobIsDestroyedBeforeTheNextOneRuns) {
  const auto scenario = [] {
    LabGate gate("job before them");
    bool destroyed = false;
    Pool pool;
    pool.submit([&] { gate.wait(); });
    gate.await_arrival();
    pool.submit([end = at_the_end([&] { destroyed = true; })] {});
    pool.submit([&] {
      lab::check(destroyed, "a job runs, but what the job before it owned still exists");
    });
    gate.open();
  };
  expect_every_schedule(kLesson, scenario, {.max_preemptions = 0, .random_schedules = 20});
}

TEST(SelfJoin, NoLockIsHeldWhileACopyOfAJobIsDestroyed) {
  const auto scenario = [] {
    Pool pool;
    lab::note("submits a job that submits another one whenever a copy of it is destroyed");
    pool.submit([end = EachCopyAtTheEnd([&] { pool.submit([] {}); })] {});
  };
  expect_every_schedule(kLesson, scenario, {.max_preemptions = 0, .random_schedules = 0});
}

TEST(SelfJoin, AWorkerSleepsHoweverOftenItWakesUp) {
  const auto scenario = [] {
    bool done = false;
    {
      const std::shared_ptr<Pool> pool = make_pool();
      lab::this_thread::sleep_for(1h);  // the worker wakes up for no reason
      pool->submit([&] { done = true; });
    }
    lab::check(done, "the pool has been destroyed, but a job has not run");
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0, .max_spurious_wakeups = 12, .random_schedules = 0});
}

TEST(SelfJoin, TwoUsersLetGo) {
  const auto scenario = [] {
    std::string done;
    {
      auto pool = std::make_shared<Pool>();
      lab::jthread user("user", [&done, mine = pool]() mutable {
        submit_both(mine, [&] { done += "first "; }, [&] { done += "second "; });
        lab::note("releases its share of the pool");
        mine.reset();
      });
      lab::note("releases its share of the pool");
      pool.reset();
    }
    lab::check(done == "first second ", "ran: " + done + "; wanted: first second");
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 1, .max_spurious_wakeups = 0, .random_schedules = 50});
}

}  // namespace
}  // namespace worker_pool
