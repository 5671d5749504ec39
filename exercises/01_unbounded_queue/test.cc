#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson(
    "01_unbounded_queue",
    "the workers fell behind, and try_submit accepted job 101 and every job after it. The queue "
    "grows until memory runs out and the system kills the process, and every job in the queue is "
    "lost with it.");

constexpr std::size_t kMaxWaiting = 100;

// Submits jobs `first` to `last`; each job appends its number to `ran`. There must be room.
void submit_all(JobQueue& queue, int first, int last, std::vector<int>& ran) {
  for (int i = first; i <= last; ++i) {
    const bool accepted = queue.try_submit([&ran, i] { ran.push_back(i); });
    lab::check(accepted, "job " + std::to_string(i) + " was refused although there was room");
  }
}

void run_all(JobQueue& queue) {
  while (const auto job = queue.try_take()) (*job)();
}

TEST(UnboundedQueue, RefusesWhatDoesNotFit) {
  expect_every_schedule(
      kLesson,
      [] {
        JobQueue queue;
        std::vector<int> ran;
        lab::note("submits jobs 1 to 100; no worker takes one");
        submit_all(queue, 1, 100, ran);

        lab::note("submits job 101");
        Job late = [&ran] { ran.push_back(101); };
        const auto before = lab::steady_clock::now();
        const bool accepted = queue.try_submit(std::move(late));
        if (accepted) {
          const std::size_t waiting = queue.size();
          lab::check(waiting <= kMaxWaiting, "job 101 was accepted: " + std::to_string(waiting) +
                                                 " jobs are waiting; the limit is 100");
          lab::check(false, "job 101 was accepted, but only " + std::to_string(waiting) +
                                " jobs are waiting: an accepted job was thrown away");
        }
        lab::check(lab::steady_clock::now() == before,
                   "job 101 was refused, but only after a wait");
        lab::check(late != nullptr,
                   "job 101 was refused, but the caller no longer has it: the job is lost");
      },
      {.random_schedules = 0});  // one thread, so only one schedule
}

TEST(UnboundedQueue, EachAcceptedJobComesOutOnceInOrder) {
  expect_every_schedule(
      kLesson,
      [] {
        JobQueue queue;
        std::vector<int> ran;
        submit_all(queue, 1, 100, ran);
        const auto first = queue.try_take();
        lab::check(first.has_value(), "100 jobs were accepted, but there is none to take");
        (*first)();

        lab::note("has taken one job: there is room for one");
        submit_all(queue, 101, 101, ran);
        lab::check(!queue.try_submit([] {}),
                   "one job was taken, but two were accepted in its place");

        run_all(queue);
        lab::check(ran.size() == 101,
                   "101 jobs were accepted, but " + std::to_string(ran.size()) + " came out");
        for (int i = 1; i <= 101; ++i) {
          const int got = ran[static_cast<std::size_t>(i - 1)];
          lab::check(got == i, "job " + std::to_string(got) + " came out in place of job " +
                                   std::to_string(i) + ": the oldest job must come out first");
        }
      },
      {.random_schedules = 0});  // one thread, so only one schedule
}

TEST(UnboundedQueue, TwoWhoSubmitAtOnceFindRoomForOne) {
  expect_every_schedule(
      kLesson,
      [] {
        JobQueue queue;
        std::vector<int> ran;
        lab::note("submits jobs 1 to 99: there is room for one more");
        submit_all(queue, 1, 99, ran);

        int accepted = 0;
        const auto submit_one = [&] {
          lab::note("submits a job");
          const bool is_in = queue.try_submit([] {});
          lab::note(is_in ? "its job was accepted" : "its job was refused");
          if (is_in) ++accepted;
        };
        lab::thread one("producer 1", submit_one);
        lab::thread other("producer 2", submit_one);
        one.join();
        other.join();
        lab::check(accepted > 0, "there was room for one job, but both were refused");
        lab::check(accepted < 2, "there was room for one job, but both were accepted: " +
                                     std::to_string(queue.size()) +
                                     " jobs are waiting; the limit is 100");
      },
      {.random_schedules = 20});
}

}  // namespace
}  // namespace worker_pool
