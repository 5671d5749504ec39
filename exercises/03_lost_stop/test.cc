#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "exercises/harness/lesson.h"
#include "exercises/harness/probes.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson(
    "03_lost_stop",
    "the worker checked stop and saw false, then stop was set and notified, and only then did the "
    "worker go to sleep. A condition variable does not keep a notification for later, so the "
    "worker sleeps forever, and the shutdown waits with it.");

TEST(LostStop, WorkerEndsWhenItIsAskedTo) {
  const auto scenario = [] {
    Worker worker;
    lab::thread thread("worker", [&] { worker.run(); });
    const auto before = lab::steady_clock::now();
    worker.stop();
    lab::check(lab::steady_clock::now() == before, "stop() returned only after a wait");
    thread.join();
    lab::check(lab::steady_clock::now() == before,
               "time passed before the worker ended: it waits with a timeout");
  };
  expect_every_schedule(kLesson, scenario);
  // A load may return an older value, unless a memory order forbids it, as on real machines. This
  // counts as a preemption.
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 3, .random_schedules = 0, .stale_reads = true});
}

// Starts a thread. Every body has the same type here, which compiles faster.
lab::thread start_thread(const std::string& name, Job body) {
  return lab::thread(name, std::move(body));
}

TEST(LostStop, JobsSubmittedBeforeAreDone) {
  const auto scenario = [] {
    Worker worker;
    int done = 0;
    lab::thread thread = start_thread("worker", [&] { worker.run(); });
    const Job count = [&] {
      ++done;  // alone in its line: a data race names it
    };
    for (int i = 0; i < 2; ++i) worker.submit(count);
    worker.stop();
    thread.join();
    lab::check(done == 2, std::to_string(done) + " of 2 jobs ran; wanted: 2 of 2");
  };
  expect_every_schedule(kLesson, scenario);
  expect_every_schedule(kLesson, scenario, {.random_schedules = 0, .stale_reads = true});
}

TEST(LostStop, StopDoesNotWaitForTheWorker) {
  expect_every_schedule(
      kLesson,
      [] {
        constexpr int kJobs = 200;
        Worker worker;
        int done = 0;
        std::uintptr_t first = 0;  // where the first job is on the stack
        const auto job = [&] {
          if (done++ == 0) first = stack_position();
          lab::check(first < stack_position() + 4096,
                     "with each job the stack gets longer, until it overflows");
        };
        for (int i = 0; i < kJobs; ++i) worker.submit(job);
        worker.stop();
        lab::note("has submitted 200 jobs and called stop(), and calls run() now");
        worker.run();
        lab::check(done == kJobs, "run() returned, but only " + std::to_string(done) +
                                      " of the 200 jobs ran that were submitted before stop()");
      },
      {.max_spurious_wakeups = 0, .random_schedules = 0});  // one thread, so only one schedule

  const lab::Options simple{.max_preemptions = 0, .max_spurious_wakeups = 0, .random_schedules = 0};
  expect_every_schedule(
      kLesson,
      [] {
        Worker worker;
        LabGate stopped("stop() has returned");
        lab::thread thread = start_thread("worker", [&] { worker.run(); });
        worker.submit([&] { stopped.wait(); });
        stopped.await_arrival();
        lab::note("calls stop(), and the worker runs a job");
        worker.stop();
        stopped.open();
        thread.join();
      },
      simple);

  // Without preemptions, the worker does not run before main waits.
  expect_every_schedule(
      kLesson,
      [] {
        Worker worker;
        lab::atomic<bool> has_exited{false};
        lab::thread thread = start_thread("worker", [&] {
          worker.run();
          has_exited.store(true, std::memory_order_relaxed);  // orders nothing
        });
        lab::this_thread::sleep_for(std::chrono::seconds(1));
        lab::note("calls stop(), and the worker is asleep");
        worker.stop();
        lab::check(!has_exited.load(std::memory_order_relaxed),
                   "stop() waited until the worker had woken up");
        thread.join();
      },
      simple);
}

TEST(LostStop, WorkerWaitsForJobsUntilItIsAskedToStop) {
  const auto scenario = [] {
    Worker worker;
    LabGate first("job 1 has run");
    LabGate second("job 2 has been destroyed");
    lab::thread thread = start_thread("worker", [&] { worker.run(); });
    const auto start = lab::steady_clock::now();
    worker.submit([&] { first.open(); });
    first.wait();
    worker.submit([end = at_the_end([&] { second.open(); })] {});
    second.wait();
    lab::check(lab::steady_clock::now() == start,
               "the worker was woken by the clock, not by submit()");
    worker.stop();
    thread.join();
  };
  expect_every_schedule(kLesson, scenario);
  // The worker wakes up again and again before main submits job 2.
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0, .max_spurious_wakeups = 8, .random_schedules = 0});
}

TEST(LostStop, JobMaySubmitAnotherOneAndStop) {
  expect_every_schedule(kLesson, [] {
    Worker worker;
    std::vector<int> ran;
    lab::thread thread = start_thread("worker", [&] { worker.run(); });
    worker.submit([&, end = at_the_end([&] {
                        lab::note("destroys job 1, which submits job 3");
                        worker.submit([&] {
                          worker.stop();  // once more, from a job
                          worker.submit([&, end = at_the_end([&] {
                                              lab::note("destroys job 4, which submits job 5");
                                              worker.submit([&] { ran.push_back(5); });
                                            })] { ran.push_back(4); });
                          ran.push_back(3);
                        });
                        worker.stop();
                      })] {
      lab::note("runs job 1, which submits job 2");
      ran.push_back(1);
      worker.submit([&] { ran.push_back(2); });
    });
    thread.join();
    lab::check(ran.size() == 5, "the worker exited, but only " + std::to_string(ran.size()) +
                                    " of 5 jobs ran: the others were still in the queue");
    lab::check(ran == std::vector{1, 2, 3, 4, 5}, "the jobs ran out of order: the oldest is next");
  });
}

// Job 1 submits jobs 2 and 4. In between, it has another worker submit job 3.
TEST(LostStop, AJobMaySubmitToAnotherWorkerAndStopIt) {
  const auto scenario = [] {
    Worker worker;
    Worker other;
    LabGate submitted("job 3 is submitted");
    std::string ran;
    const auto submit = [&](char number) { worker.submit([&ran, number] { ran += number; }); };
    lab::thread other_thread = start_thread("other worker", [&] { other.run(); });
    worker.submit([&] {
      lab::note("runs job 1");
      ran += '1';
      submit('2');
      other.submit([&] {
        submit('3');
        submitted.open();
      });
      submitted.wait();
      submit('4');
      lab::note("stops both workers");
      other.stop();
      worker.stop();
    });
    lab::thread thread = start_thread("worker", [&] { worker.run(); });
    thread.join();
    other_thread.join();
    lab::check(ran == "1234",
               "the jobs ran in the order " + ran + "; wanted: 1234, the oldest next");
  };
  expect_every_schedule(kLesson, scenario, {.max_preemptions = 1, .random_schedules = 20});
}

TEST(LostStop, TwoWorkersMayRunAtTheSameTime) {
  const auto scenario = [] {
    const auto use_a_worker = [] {
      Worker worker;
      worker.submit([] {});
      worker.stop();
      worker.run();
    };
    lab::thread other = start_thread("other worker", use_a_worker);
    use_a_worker();
    other.join();
  };
  expect_every_schedule(kLesson, scenario, {.max_preemptions = 0, .random_schedules = 0});
}

TEST(LostStop, NoLockIsHeldWhileACopyOfAJobIsDestroyed) {
  const auto scenario = [] {
    Worker worker;
    lab::note("submits a job that submits another one whenever a copy of it is destroyed");
    worker.submit([end = EachCopyAtTheEnd([&] { worker.submit([] {}); })] {});
    worker.stop();
    worker.run();
  };
  expect_every_schedule(kLesson, scenario, {.max_spurious_wakeups = 0, .random_schedules = 0});
}

TEST(LostStop, TwoThreadsMayAskItToStop) {
  expect_every_schedule(kLesson,
                        [] {
                          Worker worker;
                          lab::thread thread = start_thread("worker", [&] { worker.run(); });
                          lab::thread other = start_thread("other", [&] {
                            worker.submit([] {});  // it may come too late to run
                            worker.stop();
                          });
                          worker.submit([] {});
                          worker.stop();
                          other.join();
                          thread.join();
                        },
                        {.max_preemptions = 1});
}

// More jobs than std::deque keeps in one block: its ends then share memory. Job 1 waits at a gate,
// so that main submits jobs while the worker runs one.
TEST(LostStop, JobsRunOneAfterAnotherInOrder) {
  expect_every_schedule(
      kLesson,
      [] {
        constexpr std::size_t kJobs = 40;
        Worker worker;
        LabGate submitted("all jobs are submitted");
        std::size_t ran = 0;
        std::size_t destroyed = 0;
        const auto submit = [&](std::size_t i) {
          worker.submit([&, i, end = at_the_end([&] { ++destroyed; })] {
            lab::check(ran == i, "job " + std::to_string(i + 1) + " ran in place of job " +
                                     std::to_string(ran + 1) + ": the oldest job is next");
            lab::check(destroyed <= i, "a job was destroyed that had not run");
            lab::check(destroyed == i, "job " + std::to_string(i) +
                                           " has run, and the next one is running, but " +
                                           "the first still exists");
            ++ran;
            if (i == 0) submitted.wait();
          });
        };
        for (std::size_t i = 0; i < kJobs / 2; ++i) submit(i);
        lab::thread thread = start_thread("worker", [&] { worker.run(); });
        for (std::size_t i = kJobs / 2; i < kJobs; ++i) submit(i);
        submitted.open();
        worker.stop();
        thread.join();
        lab::check(ran == kJobs, std::to_string(ran) + " of " + std::to_string(kJobs) +
                                     " jobs ran, although all were submitted before stop()");
      },
      {.max_preemptions = 1, .random_schedules = 20});
}

}  // namespace
}  // namespace worker_pool
