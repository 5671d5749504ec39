#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

constexpr Lesson kLesson(
    "11_full_queue_shutdown",
    "the producers waited for room, then close() woke only those who wait for a job. Nobody makes "
    "room any more, so the producers sleep for ever, each with a job in hand, and the shutdown "
    "waits with them.");

using Job = std::unique_ptr<int>;
using Queue = BoundedQueue<Job>;

void push_accepted(Queue& queue, int number) {
  lab::note("pushes job " + std::to_string(number));
  lab::check(queue.push(std::make_unique<int>(number)),
             "push refused job " + std::to_string(number) + ", although the queue was open");
}

// For a queue that is full for as long as this push can last.
void push_refused(Queue& queue, int number) {
  const std::string name = "job " + std::to_string(number);
  Job job = std::make_unique<int>(number);
  const bool pushed = queue.push(std::move(job));
  lab::check(!pushed, "push accepted " + name + ", although the queue was full");
  lab::check(job != nullptr, "push refused " + name + ", and did not leave it to its owner");
}

// The jobs from 1 to `last` are left in the queue, and then its end.
void pop_rest(Queue& queue, int last) {
  for (int number = 1; number <= last; ++number) {
    const std::optional<Job> job = queue.pop();
    lab::check(job.has_value() && **job == number,
               "job " + std::to_string(number) + " was accepted, and pop did not return it");
  }
  lab::check(!queue.pop().has_value(), "pop returned more jobs than were accepted");
}

TEST(FullQueueShutdown, CloseWakesEveryProducerThatWaitsForRoom) {
  const lab::Options options{.max_preemptions = 1, .random_schedules = 50};
  expect_every_schedule(
      kLesson,
      [] {
        Queue queue(1);
        push_accepted(queue, 1);
        lab::thread first("producer 1", [&] { push_refused(queue, 2); });
        lab::thread second("producer 2", [&] { push_refused(queue, 3); });
        // Most likely both wait for room after that, but the explorer may also let it be too short.
        lab::this_thread::sleep_for(1s);
        lab::note("closes the queue");
        const auto closed = lab::steady_clock::now();
        queue.close();
        first.join();
        second.join();
        lab::check(lab::steady_clock::now() == closed,
                   "the producers noticed by the clock, not by close()");
        pop_rest(queue, 1);
      },
      options);
}

TEST(FullQueueShutdown, CloseWakesEveryConsumerAndRefusesWhatComesLater) {
  const lab::Options options{.max_preemptions = 1, .random_schedules = 50};
  expect_every_schedule(
      kLesson,
      [] {
        Queue queue(1);
        lab::thread first("consumer 1", [&] { pop_rest(queue, 0); });
        lab::thread second("consumer 2", [&] { pop_rest(queue, 0); });
        lab::note("closes the queue");
        queue.close();
        first.join();
        second.join();
        lab::note("pushes job 1, after the close");
        Job late = std::make_unique<int>(1);
        lab::check(!queue.push(std::move(late)), "push accepted job 1 after close()");
        lab::check(late != nullptr, "push refused job 1, and did not leave it to its owner");
      },
      options);
}

TEST(FullQueueShutdown, PushWaitsForRoomWhileTheQueueIsOpen) {
  expect_every_schedule(kLesson, [] {
    Queue queue(1);
    lab::thread consumer("consumer", [&] { pop_rest(queue, 2); });
    push_accepted(queue, 1);
    push_accepted(queue, 2);
    lab::note("closes the queue");
    queue.close();
    consumer.join();
  });
}

}  // namespace
}  // namespace worker_pool
