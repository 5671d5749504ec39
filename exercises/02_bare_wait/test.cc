#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "exercises/harness/lesson.h"
#include "exercises/harness/probes.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson(
    "02_bare_wait",
    "the worker found the queue empty, went to sleep, woke up although there was no job for it, "
    "and took one without checking the queue again. Taking from an empty queue is undefined "
    "behavior: the worker crashes, or runs something that is not a job.");

// The work of one worker: takes one job and runs it.
void handle_one(JobQueue& queue) {
  const Job job = queue.take();
  lab::check(job != nullptr, "take() returned an empty job");
  job();
}

// Starts a thread. Every body has the same type here, which compiles faster.
lab::thread start_thread(const std::string& name, Job body) {
  return lab::thread(name, std::move(body));
}

TEST(BareWait, WorkerSleepsUntilThereIsAJob) {
  expect_every_schedule(
      kLesson,
      [] {
        JobQueue queue;
        int done = 0;
        lab::atomic<bool> is_submitted{false};
        lab::thread worker = start_thread("worker", [&] {
          const Job job = queue.take();
          lab::check(is_submitted.load(std::memory_order_relaxed),
                     "take() returned before a job was submitted");
          lab::check(job != nullptr, "take() returned an empty job");
          lab::check(done == 0, "the job ran before take() returned it");
          job();
        });
        lab::note("is about to submit a job");
        is_submitted.store(true, std::memory_order_relaxed);  // orders nothing
        queue.submit([&] { ++done; });
        worker.join();
        lab::check(done == 1, "the job ran " + std::to_string(done) + " times; wanted: once");
      },
      {.max_spurious_wakeups = 2, .random_schedules = 20});
}

TEST(BareWait, TwoWorkersDoEachJobOnce) {
  expect_every_schedule(
      kLesson,
      [] {
        JobQueue queue;
        std::array<int, 2> done{};
        lab::thread worker1 = start_thread("worker 1", [&] { handle_one(queue); });
        lab::thread worker2 = start_thread("worker 2", [&] { handle_one(queue); });
        for (std::size_t i = 0; i < done.size(); ++i) queue.submit([&done, i] { ++done[i]; });
        worker1.join();
        worker2.join();
        for (const int times : done) {
          lab::check(times == 1, "a job ran " + std::to_string(times) + " times; wanted: once");
        }
      },
      {.max_spurious_wakeups = 0, .random_schedules = 20});
}

// The gate lets all workers go to sleep before main submits the first job. If `one_by_one`, main
// submits the others after the first one has run.
void check_each_is_woken(int count, bool one_by_one) {
  JobQueue queue;
  LabGate start("the last worker is about to take a job");
  LabGate first("job 1 has run");
  std::vector<lab::thread> workers;
  for (int i = 1; i <= count; ++i) {
    workers.push_back(start_thread("worker " + std::to_string(i), [&, i] {
      if (i == count) start.open();
      handle_one(queue);
    }));
  }
  start.wait();
  queue.submit([&] { first.open(); });
  if (one_by_one) first.wait();
  for (int i = 2; i <= count; ++i) queue.submit([] {});
  for (lab::thread& worker : workers) worker.join();
}

TEST(BareWait, EachSleepingWorkerIsWokenForAJob) {
  expect_every_schedule(kLesson, [] { check_each_is_woken(3, false); },
                        {.max_preemptions = 0, .max_spurious_wakeups = 0, .random_schedules = 0});
  // One of the two may wake up too early, and sleep again or take the job of the other one.
  const lab::Options simple{.max_preemptions = 0, .random_schedules = 0};
  expect_every_schedule(kLesson, [] { check_each_is_woken(2, false); }, simple);
  expect_every_schedule(kLesson, [] { check_each_is_woken(2, true); }, simple);
}

// Two workers are asleep. Job 1 submits job 2, to its own queue or to another one, and waits for
// it.
TEST(BareWait, AJobWakesAnotherWorker) {
  for (const bool is_other_queue : {false, true}) {
    const auto scenario = [is_other_queue] {
      JobQueue queue;
      JobQueue other_queue;
      JobQueue& second = is_other_queue ? other_queue : queue;
      LabGate start("worker 2 is about to take a job");
      LabGate done("job 2 has run");
      lab::thread worker1 = start_thread("worker 1", [&] { handle_one(queue); });
      lab::thread worker2 = start_thread("worker 2", [&] {
        start.open();
        handle_one(second);
      });
      start.wait();
      queue.submit([&] {
        lab::note("runs job 1, which submits job 2");
        second.submit([&] { done.open(); });
        done.wait();
      });
      worker1.join();
      worker2.join();
    };
    expect_every_schedule(kLesson, scenario, {.max_preemptions = 0, .random_schedules = 0});
  }
}

TEST(BareWait, TwoThreadsMaySubmitAtTheSameTime) {
  const auto scenario = [] {
    JobQueue queue;
    int done = 0;
    const auto submit = [&] { queue.submit([&] { ++done; }); };
    lab::thread producer = start_thread("producer", submit);
    submit();
    for (int i = 0; i < 2; ++i) handle_one(queue);
    producer.join();
    lab::check(done == 2, "2 jobs were submitted and taken, but " + std::to_string(done) + " ran");
  };
  expect_every_schedule(kLesson, scenario, {.max_preemptions = 1, .random_schedules = 20});
}

TEST(BareWait, TwoThreadsMayUseAQueueEach) {
  const auto scenario = [] {
    const auto use_a_queue = [] {
      JobQueue queue;
      queue.submit([] {});
      handle_one(queue);
    };
    lab::thread other = start_thread("other", use_a_queue);
    use_a_queue();
    other.join();
  };
  expect_every_schedule(kLesson, scenario, {.max_preemptions = 0, .random_schedules = 0});
}

TEST(BareWait, WorkerIsWokenByTheJobNotByTheClock) {
  const auto scenario = [] {
    const auto start = lab::steady_clock::now();
    JobQueue queue;
    lab::thread worker = start_thread("worker", [&] { handle_one(queue); });
    queue.submit([] {});
    worker.join();
    lab::check(lab::steady_clock::now() == start,
               "the worker woke by the clock; it must sleep until it is notified");
  };
  expect_every_schedule(kLesson, scenario, {.random_schedules = 20});
}

// The worker wakes up again and again before main submits the job.
TEST(BareWait, WorkerSleepsAgainHoweverOftenItWakesUp) {
  expect_every_schedule(
      kLesson,
      [] {
        JobQueue queue;
        LabGate start("the worker is about to take a job");
        int done = 0;
        lab::thread worker = start_thread("worker", [&] {
          start.open();
          handle_one(queue);
        });
        start.wait();
        lab::note("is about to submit a job");
        queue.submit([&] { ++done; });
        worker.join();
        lab::check(done == 1, "the job ran " + std::to_string(done) + " times; wanted: once");
      },
      {.max_preemptions = 0, .max_spurious_wakeups = 40, .random_schedules = 0});
}

TEST(BareWait, JobsWaitForAWorkerHoweverManyThereAre) {
  expect_every_schedule(
      kLesson,
      [] {
        constexpr int kJobs = 200;
        JobQueue queue;
        std::vector<int> ran;
        lab::note("submits 200 jobs, before there is a worker");
        for (int i = 1; i <= kJobs; ++i) queue.submit([&ran, i] { ran.push_back(i); });
        lab::note("takes 200 jobs");
        for (int i = 1; i <= kJobs; ++i) {
          handle_one(queue);
          lab::check(ran.back() == i, "job " + std::to_string(ran.back()) +
                                          " ran in place of job " + std::to_string(i));
        }
      },
      {.max_spurious_wakeups = 0, .random_schedules = 0});  // one thread, so only one schedule
}

TEST(BareWait, OneWorkerRunsTheOldestJobFirst) {
  expect_every_schedule(
      kLesson,
      [] {
        JobQueue queue;
        LabGate third("job 3");
        std::vector<int> ran;
        int copies = 0;
        auto owned = std::make_shared<int>(0);
        const std::weak_ptr<int> watch = owned;

        lab::note("submits jobs 1 and 2, before there is a worker");
        queue.submit([&] {
          ran.push_back(1);
          lab::note("runs job 1, which submits job 3");
          queue.submit([&] {
            ran.push_back(3);
            third.open();
          });
        });
        queue.submit(
            [&, attachment = Attachment(copies), owned = std::move(owned)] { ran.push_back(2); });

        lab::thread worker = start_thread("worker", [&] {
          for (int i = 0; i < 4; ++i) handle_one(queue);
        });
        third.wait();
        lab::note("submits job 4");
        queue.submit([&, attachment = Attachment(copies)] { ran.push_back(4); });
        worker.join();
        for (std::size_t i = 0; i < ran.size(); ++i) {
          lab::check(ran[i] == static_cast<int>(i + 1),
                     "job " + std::to_string(ran[i]) + " ran in place of job " +
                         std::to_string(i + 1) + ": take() returns the oldest job");
        }
        lab::check(copies == 0, "a job was copied; wanted: moved into the queue and out of it");
        lab::check(watch.expired(), "job 2 ran and was destroyed, but the queue keeps a copy");
      },
      {.random_schedules = 20});
}

}  // namespace
}  // namespace worker_pool
