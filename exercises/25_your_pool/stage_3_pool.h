// Stage 3: the pool.
#pragma once

#include <atomic>
#include <chrono>
#include <expected>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace your_pool {
namespace {

const LessonStage kPoolStage("3 of 4: the pool");

constexpr Lesson kPoolLesson(
    "25_your_pool",
    "stage 3 is not finished. The verdict above says what the pool promised and did not do. The "
    "channel and the worker have passed their own tests. Stage 4, the shutdown, opens when stage 3 "
    "is green.");

// On the heap, because the explorer finds out who uses memory after it was freed. It does not know
// when a variable in a function ends.
std::unique_ptr<WorkerPool> new_pool(const WorkerPool::Options& options, const JobHandler& handler,
                                     const JobFinished& finished) {
  return std::make_unique<WorkerPool>(options, handler, finished);
}

void expect_submitted(WorkerPool& pool, const std::string& id) {
  if (pool.submit(job_named(id)) != SendStatus::kSent) {
    fail("submit() refused job " + id + " although the pool was open");
  }
}

void expect_once(Log& log, const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    if (!(log.count(id) == 1 && log.count_of(id) == 1)) {
      fail("job " + id + " must succeed exactly once, but there was " + joined(log.lines()));
    }
  }
  check(log.lines().size() == ids.size(), "more jobs were reported than submitted");
}

TEST(Pool, RefusesToHaveNoWorkersOrNoCapacity) {
  const auto scenario = [] {
    Log log;
    for (const WorkerPool::Options& options : {WorkerPool::Options{.workers = 0, .capacity = 1},
                                               WorkerPool::Options{.workers = -1, .capacity = 1},
                                               WorkerPool::Options{.workers = 1, .capacity = 0}}) {
      bool is_refused = false;
      try {
        const WorkerPool pool(options, succeed, log.finished());
      } catch (const std::invalid_argument&) {
        is_refused = true;
      }
      if (!is_refused) {
        fail("a pool with " + std::to_string(options.workers) + " workers and a capacity of " +
             std::to_string(options.capacity) + " did not throw std::invalid_argument");
      }
    }
  };
  expect_every_schedule(kPoolLesson, scenario, kOneThread);
}

TEST(Pool, CanBeDestroyedAtOnce) {
  expect_every_schedule(
      kPoolLesson,
      [] {
        Log log;
        const WorkerPool pool({.workers = 2, .capacity = 1}, succeed, log.finished());
      },
      kPool);
}

TEST(Pool, OneWorkerDoesWhatWasSubmittedBeforeItIsDestroyed) {
  const auto scenario = [] {
    Log log;
    {
      const auto owner = new_pool({.workers = 1, .capacity = 2}, succeed, log.finished());
      WorkerPool& pool = *owner;
      expect_submitted(pool, "a");
      expect_submitted(pool, "b");
    }
    expect_lines(log, {"a", "b"});
  };
  expect_every_schedule(kPoolLesson, scenario, kTwoThreads);
}

TEST(Pool, TwoWorkersDoEachJobOnce) {
  const auto scenario = [] {
    Log log;
    {
      const auto owner = new_pool({.workers = 2, .capacity = 1}, succeed, log.finished());
      WorkerPool& pool = *owner;
      expect_submitted(pool, "a");
      expect_submitted(pool, "b");
    }
    expect_once(log, {"a", "b"});
  };
  expect_every_schedule(kPoolLesson, scenario, kPool);
}

TEST(Pool, HasAsManyWorkersAsItWasAskedFor) {
  const auto scenario = [] {
    Log log;
    Rendezvous all(3);
    std::atomic<int> running = 0;
    std::atomic<int> threads = 0;
    const JobHandler handler = [&](const Job&, std::stop_token) -> JobResult {
      thread_local bool is_known = false;
      if (!std::exchange(is_known, true)) ++threads;
      check(threads <= 3, "a pool with 3 workers runs jobs on a fourth thread");
      check(++running <= 3, "a pool with 3 workers runs 4 jobs at the same time");
      all.meet();
      std::this_thread::sleep_for(1h);
      --running;
      return {};
    };
    {
      const auto owner = new_pool({.workers = 3, .capacity = 6}, handler, log.finished());
      WorkerPool& pool = *owner;
      check(lab::running_threads() >= 4, "the constructor did not start 3 threads");
      for (const char* const id : {"a", "b", "c", "d", "e", "f"}) expect_submitted(pool, id);
    }
    expect_once(log, {"a", "b", "c", "d", "e", "f"});
  };
  expect_every_schedule(kPoolLesson, scenario,
                        {.max_preemptions = 0,
                         .max_spurious_wakeups = 0,
                         .early_timeouts = false,
                         .max_schedules = kSchedules,
                         .random_schedules = 30});
}

TEST(Pool, KeepsItsWorkersWhenJobsFail) {
  const auto scenario = [] {
    Log log;
    const JobHandler handler = [](const Job& job, std::stop_token) -> JobResult {
      if (job.id == "a") throw std::runtime_error("");
      if (job.id == "b") throw 42;
      if (job.id == "c") return std::unexpected("no such file");
      return {};
    };
    {
      const auto owner = new_pool({.workers = 1, .capacity = 4}, handler, log.finished());
      WorkerPool& pool = *owner;
      for (const char* const id : {"a", "b", "c", "d"}) expect_submitted(pool, id);
    }
    const std::vector<std::string> lines = log.lines();
    const std::string of_b = lines.size() > 1 && lines[1].starts_with("b: ") ? lines[1] : "b: ...";
    expect_lines(log, {"a: ", of_b, "c: no such file", "d"});
  };
  expect_every_schedule(kPoolLesson, scenario, kPool);
}

TEST(Pool, RefusesAJobWhenItIsFull) {
  const auto scenario = [] {
    Log log;
    Rendezvous opened(3);
    const JobHandler handler = [&](const Job& job, std::stop_token) -> JobResult {
      if (job.id.starts_with("held")) opened.meet();
      return {};
    };
    {
      const auto owner = new_pool({.workers = 2, .capacity = 2}, handler, log.finished());
      WorkerPool& pool = *owner;
      for (const char* const id : {"held", "a", "b"}) expect_submitted(pool, id);
      std::this_thread::sleep_for(1h);
      check(log.lines().size() == 2, "one worker was free, and did not do jobs a and b");
      expect_submitted(pool, "held too");
      std::this_thread::sleep_for(1h);  // both workers are held
      for (const char* const id : {"c", "d"}) {
        check(pool.try_submit(job_named(id)) == SendStatus::kSent,
              "try_submit() refused a job although the channel had room");
      }
      Job refused = job_named("e");
      check(pool.try_submit(std::move(refused)) == SendStatus::kFull,
            "two jobs run and the channel is full, but try_submit() did not return kFull");
      expect_payload(refused);
      check(refused.id == "e", "try_submit() refused a job, and took it");
      opened.meet();
    }
    expect_once(log, {"held", "held too", "a", "b", "c", "d"});
  };
  expect_every_schedule(kPoolLesson, scenario, kExact);
}

TEST(Pool, SubmitWaitsForRoom) {
  const auto scenario = [] {
    Log log;
    std::atomic<WorkerPool*> itself = nullptr;
    const auto submitter = std::this_thread::get_id();
    const JobHandler handler = [&](const Job& job, std::stop_token) -> JobResult {
      check(std::this_thread::get_id() != submitter, "submit() ran a job itself");
      std::this_thread::sleep_for(1h);
      check(job.id != "a" || itself.load()->try_submit(job_named("d")) == SendStatus::kFull,
            "job b waits in the channel, and a thread in submit(), but try_submit() did not return "
            "kFull");
      return {};
    };
    {
      const auto owner = new_pool({.workers = 1, .capacity = 1}, handler, log.finished());
      WorkerPool& pool = *owner;
      itself = &pool;
      const auto start = std::chrono::steady_clock::now();
      for (const char* const id : {"a", "b", "c"}) expect_submitted(pool, id);
      check(std::chrono::steady_clock::now() - start == 1h,
            "job a runs for an hour and job b waits, but submit() of job c did not wait until "
            "job a had finished");
    }
    expect_once(log, {"a", "b", "c"});
  };
  expect_every_schedule(kPoolLesson, scenario, kExact);
}

TEST(Pool, ManyThreadsMaySubmit) {
  const auto scenario = [] {
    Log log;
    {
      const auto owner = new_pool({.workers = 1, .capacity = 1}, succeed, log.finished());
      WorkerPool& pool = *owner;
      Thread other([&] { expect_submitted(pool, "a"); });
      expect_submitted(pool, "b");
    }
    expect_once(log, {"a", "b"});
  };
  expect_every_schedule(kPoolLesson, scenario, kPool);
}

// The job may run before the pool's constructor has returned to this scenario, and it may be the
// last one: then the pool is being destroyed.
TEST(Pool, AJobMaySubmitAnother) {
  const auto scenario = [] {
    Log log;
    std::atomic<WorkerPool*> itself = nullptr;
    SendStatus status = SendStatus::kClosed;
    const JobHandler handler = [&](const Job& job, std::stop_token) -> JobResult {
      if (job.id == "b") return {};
      Job next = job_named("b");
      status = itself.load()->try_submit(std::move(next));
      check((status == SendStatus::kSent) == next.id.empty(),
            "try_submit() took a job that it refused, or left one that it accepted");
      return {};
    };
    {
      const auto owner = new_pool({.workers = 1, .capacity = 1}, handler, log.finished());
      WorkerPool& pool = *owner;
      itself = &pool;
      expect_submitted(pool, "a");
    }
    check(status != SendStatus::kFull, "the channel was empty, but try_submit() found it full");
    expect_once(log, status == SendStatus::kSent ? std::vector<std::string>{"a", "b"}
                                                 : std::vector<std::string>{"a"});
  };
  expect_every_schedule(kPoolLesson, scenario, kPool);
}

TEST(Pool, AReportMaySubmitAnotherJob) {
  const auto scenario = [] {
    Log log;
    std::atomic<WorkerPool*> itself = nullptr;
    const JobFinished finished = [&](const Job& job, const JobResult&) {
      if (job.id == "a") expect_submitted(*itself, "b");
      log.add(job.id);
    };
    WorkerPool pool({.workers = 1, .capacity = 1}, succeed, finished);
    itself = &pool;
    expect_submitted(pool, "a");
    log.wait_for(2);
    expect_once(log, {"a", "b"});
  };
  expect_every_schedule(kPoolLesson, scenario, kPool);
}

// A job waits for room while the pool is being destroyed, and submits once more after that.
TEST(Pool, RefusesTheJobsOfAJobOnceItIsBeingDestroyed) {
  const auto scenario = [] {
    Log log;
    std::atomic<WorkerPool*> itself = nullptr;
    const JobHandler handler = [&](const Job& job, std::stop_token) -> JobResult {
      if (job.id != "a") return {};
      expect_submitted(*itself, "b");
      for (int i = 0; i < 2; ++i) {
        check(itself.load()->submit(job_named("c")) == SendStatus::kClosed,
              "the pool is being destroyed, but it accepted a job that one of its jobs submitted");
      }
      return {};
    };
    {
      const auto owner = new_pool({.workers = 1, .capacity = 1}, handler, log.finished());
      WorkerPool& pool = *owner;
      itself = &pool;
      expect_submitted(pool, "a");
      std::this_thread::sleep_for(1h);  // job a waits for room
    }
    expect_once(log, {"a", "b"});
  };
  expect_every_schedule(kPoolLesson, scenario, kExact);
}

// With a lock held during the reports, this blocks.
TEST(Pool, ReportsTwoJobsAtTheSameTime) {
  const auto scenario = [] {
    Rendezvous both(2);
    WorkerPool pool({.workers = 2, .capacity = 2}, succeed,
                    [&](const Job&, const JobResult&) { both.meet(); });
    expect_submitted(pool, "a");
    expect_submitted(pool, "b");
  };
  expect_every_schedule(kPoolLesson, scenario, kExact);
}

TEST(Pool, OwnsItsHandlerUntilTheThreadsHaveExited) {
  const auto scenario = [] {
    auto handled = std::make_shared<int>(0);
    const std::weak_ptr<int> watch = handled;
    {
      WorkerPool pool(
          {.workers = 1, .capacity = 1},
          [handled](const Job&, std::stop_token) -> JobResult {
            ++*handled;
            return {};
          },
          [handled](const Job&, const JobResult&) {});
      handled.reset();
      expect_submitted(pool, "a");
    }
    check(watch.expired(), "the pool has been destroyed, but its handler still exists");
  };
  expect_every_schedule(kPoolLesson, scenario, kPool);
}

// The stop tokens of the threads are not the pool's: a job that was accepted must finish.
TEST(Pool, ItsDestructorCancelsNothing) {
  const auto scenario = [] {
    Log log;
    const JobHandler handler = [](const Job&, std::stop_token stop) -> JobResult {
      std::this_thread::sleep_for(1h);
      if (stop.stop_requested()) return std::unexpected("stopped");
      return {};
    };
    {
      const auto owner = new_pool({.workers = 1, .capacity = 3}, handler, log.finished());
      WorkerPool& pool = *owner;
      for (const char* const id : {"a", "b", "c"}) expect_submitted(pool, id);
    }
    expect_once(log, {"a", "b", "c"});
  };
  expect_every_schedule(kPoolLesson, scenario, kExact);
}

}  // namespace
}  // namespace your_pool
