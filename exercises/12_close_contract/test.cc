#include <utility>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson(
    "12_close_contract",
    "the first shutdown ended the worker, and the pool did not remember it. A second shutdown "
    "joins "
    "the same thread again, which ends the program. A job submitted later is accepted and lost, "
    "because no worker is left to run it.");

// The pool waits with a predicate, so spurious wake-ups would show nothing new.
lab::Options options() { return {.max_spurious_wakeups = 0, .random_schedules = 20}; }

TEST(CloseContract, SecondShutdownDoesNothing) {
  expect_every_schedule(
      kLesson,
      [] {
        Pool pool;
        int done = 0;
        const SubmitStatus status = pool.submit([&] { ++done; });
        lab::check(status == SubmitStatus::kAccepted, "a job was refused before any shutdown");
        lab::note("shuts the pool down");
        pool.shutdown();
        lab::check(done == 1, "shutdown() returned, but an accepted job has not run");
        lab::check(lab::running_threads() == 1, "shutdown() returned, but the worker still runs");

        lab::note("shuts the pool down again");
        pool.shutdown();
      },
      options());
}

TEST(CloseContract, JobAfterShutdownIsRefused) {
  expect_every_schedule(
      kLesson,
      [] {
        Pool pool;
        int done = 0;
        lab::note("shuts the pool down");
        pool.shutdown();

        lab::note("submits a job");
        Job job = [&] { ++done; };
        const SubmitStatus status = pool.submit(std::move(job));
        lab::check(status == SubmitStatus::kClosed,
                   "the job was accepted after the shutdown, but no worker is left to run it");
        lab::check(job != nullptr,
                   "the job was refused, but the caller no longer has it: the job is lost");
        lab::check(done == 0, "the job was refused, but it ran anyway");
      },
      options());
}

TEST(CloseContract, JobDuringShutdownIsDoneOrRefused) {
  expect_every_schedule(
      kLesson,
      [] {
        int done = 0;
        auto status = SubmitStatus::kClosed;
        Pool pool;
        lab::thread producer("producer", [&] {
          lab::note("submits a job");
          status = pool.submit([&] { ++done; });
          lab::note(status == SubmitStatus::kAccepted ? "its job was accepted"
                                                      : "its job was refused");
        });
        lab::note("shuts the pool down");
        pool.shutdown();
        producer.join();
        lab::check(status != SubmitStatus::kAccepted || done == 1,
                   "a job was accepted during the shutdown, but it never ran");
        lab::check(status != SubmitStatus::kClosed || done == 0,
                   "a job was refused, but it ran anyway");
      },
      options());
}

}  // namespace
}  // namespace worker_pool
