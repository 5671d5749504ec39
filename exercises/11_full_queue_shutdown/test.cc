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
    "the producers waited for room, then close() woke only the threads that wait for a job. No "
    "consumer makes room any more, so the producers sleep forever, each with a job in hand, and "
    "the shutdown waits with them.");

using Job = std::unique_ptr<int>;
using Queue = BoundedQueue<Job>;

void push_accepted(Queue& queue, int number) {
  lab::note("pushes job " + std::to_string(number));
  lab::check(queue.push(std::make_unique<int>(number)),
             "push refused job " + std::to_string(number) + " although the queue was open");
}

// Pushes into a queue that stays full during the whole call.
void push_refused(Queue& queue, int number) {
  const std::string name = "job " + std::to_string(number);
  Job job = std::make_unique<int>(number);
  const bool pushed = queue.push(std::move(job));
  lab::check(!pushed, "push accepted " + name + " although the queue was full");
  lab::check(job != nullptr, "push refused " + name + ", but the caller no longer has it");
}

// Pops jobs 1 to `last`, and then the end of the closed queue.
void pop_rest(Queue& queue, int last) {
  for (int number = 1; number <= last; ++number) {
    const std::optional<Job> job = queue.pop();
    lab::check(job.has_value() && **job == number,
               "job " + std::to_string(number) + " was accepted, but pop did not return it");
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
        // After this, both wait for room in most schedules; in some, the sleep is too short for
        // that.
        lab::this_thread::sleep_for(1s);
        lab::note("closes the queue");
        const auto closed = lab::steady_clock::now();
        queue.close();
        first.join();
        second.join();
        lab::check(lab::steady_clock::now() == closed,
                   "the producers were woken by the clock, not by close()");
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
        lab::note("pushes job 1 after close()");
        Job late = std::make_unique<int>(1);
        lab::check(!queue.push(std::move(late)), "push accepted job 1 after close()");
        lab::check(late != nullptr, "push refused job 1, but the caller no longer has it");
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
