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
    "consumer makes room anymore, so the producers sleep forever, each with a job in hand, and "
    "the shutdown waits with them.");

using Job = std::unique_ptr<int>;
using Queue = BoundedQueue<Job>;

void push_accepted(Queue& queue, int number) {
  lab::note("pushes job " + std::to_string(number));
  lab::check(queue.push(std::make_unique<int>(number)),
             "push refused job " + std::to_string(number) + " although the queue was open");
}

// Pushes into a queue that stays full, or closed, during the whole call.
void push_refused(Queue& queue, int number, const std::string& state = "full") {
  const std::string name = "job " + std::to_string(number);
  Job job = std::make_unique<int>(number);
  const bool pushed = queue.push(std::move(job));
  lab::check(!pushed, "push accepted " + name + " although the queue was " + state);
  lab::check(job != nullptr, "push refused " + name + ", but the caller no longer has it");
}

// Pops jobs 1 to `last`, and then the end of the closed queue.
void pop_rest(Queue& queue, int last) {
  for (int number = 1; number <= last; ++number) {
    const std::optional<Job> job = queue.pop();
    lab::check(job.has_value() && *job != nullptr && **job == number,
               "job " + std::to_string(number) + " was accepted, but pop did not return it");
  }
  lab::check(!queue.pop().has_value(), "pop returned more jobs than were accepted");
}

void close(Queue& queue) {
  lab::note("closes the queue");
  queue.close();
}

const lab::Options kFewer{.max_preemptions = 1, .random_schedules = 50};

TEST(FullQueueShutdown, CloseWakesEveryProducerThatWaitsForRoom) {
  const auto scenario = [] {
    Queue queue(1);
    push_accepted(queue, 1);
    lab::thread first("producer 1", [&] { push_refused(queue, 2); });
    lab::thread second("producer 2", [&] { push_refused(queue, 3); });
    lab::this_thread::sleep_for(1ms);  // in some schedules, too short for both to wait for room
    close(queue);
    first.join();
    second.join();
    pop_rest(queue, 1);
  };
  expect_every_schedule(kLesson, scenario, kFewer);
}

TEST(FullQueueShutdown, CloseWakesEveryConsumerAndRefusesWhatComesLater) {
  const auto scenario = [] {
    Queue queue(1);
    lab::thread first("consumer 1", [&] {
      pop_rest(queue, 0);
      push_refused(queue, 2, "closed");
    });
    lab::thread second("consumer 2", [&] { pop_rest(queue, 0); });
    close(queue);
    first.join();
    second.join();
    push_refused(queue, 1, "closed");
  };
  expect_every_schedule(kLesson, scenario, kFewer);
}

TEST(FullQueueShutdown, PushWaitsForRoomWhileTheQueueIsOpen) {
  const auto scenario = [](int jobs) {
    Queue queue(1);
    lab::thread consumer("consumer", [&] { pop_rest(queue, jobs); });
    for (int number = 1; number <= jobs; ++number) push_accepted(queue, number);
    close(queue);
    consumer.join();
  };
  expect_every_schedule(kLesson, [&] { scenario(3); });
  // Here, a load may return an older value, unless a memory order forbids it.
  expect_every_schedule(kLesson, [&] { scenario(1); }, {.stale_reads = true});
}

// No thread is delayed for as long as the sleeps below, so each lasts until every other thread
// waits. The threads are many, so most schedules have no preemption; their order is free.
lab::Options exact_times(int max_preemptions = 0) {
  return {.max_preemptions = max_preemptions,
          .max_spurious_wakeups = 0,
          .early_timeouts = false,
          .random_schedules = 30};
}

// A thread that polls for as long takes more steps than a schedule may have.
constexpr auto kTenYears = 24h * 3650;

void close_after_ten_years(Queue& queue) {
  lab::this_thread::sleep_for(kTenYears);
  close(queue);
}

void check_returns_at_close(const std::string& call) {
  lab::check(lab::steady_clock::now().time_since_epoch() == kTenYears,
             call + " did not wait until close()");
}

TEST(FullQueueShutdown, ProducersSleepUntilClose) {
  const auto scenario = [] {
    Queue queue(3);
    for (int number = 1; number <= 3; ++number) push_accepted(queue, number);
    const auto push = [&](int number) {
      push_refused(queue, number);
      check_returns_at_close("push()");
    };
    {
      lab::jthread first("producer 1", [&] { push(4); });
      lab::jthread second("producer 2", [&] { push(5); });
      lab::jthread third("producer 3", [&] { push(6); });
      close_after_ten_years(queue);
    }
    pop_rest(queue, 3);
  };
  expect_every_schedule(kLesson, scenario, exact_times());
}

TEST(FullQueueShutdown, ConsumersSleepUntilClose) {
  const auto scenario = [] {
    Queue queue(1);
    const auto pop = [&] {
      pop_rest(queue, 0);
      check_returns_at_close("pop()");
    };
    lab::jthread first("consumer 1", pop);
    lab::jthread second("consumer 2", pop);
    lab::jthread third("consumer 3", pop);
    close_after_ten_years(queue);
  };
  expect_every_schedule(kLesson, scenario, exact_times());
}

TEST(FullQueueShutdown, AcceptedJobsArePoppedInOrder) {
  const auto scenario = [] {
    constexpr int kJobs = 50;
    Queue queue(kJobs);
    lab::check(queue.push(Job()) && queue.pop() == Job(), "a job that is a null pointer was lost");
    for (int number = 1; number <= kJobs; ++number) push_accepted(queue, number);
    lab::note("closes the queue twice");
    queue.close();
    queue.close();
    pop_rest(queue, kJobs);
    push_refused(queue, kJobs + 1, "closed");
  };
  expect_every_schedule(kLesson, scenario, {.random_schedules = 0});  // there is one thread
}

TEST(FullQueueShutdown, TwoThreadsMayCloseIt) {
  const auto scenario = [] {
    Queue queue(1);
    lab::thread other("other", [&] {
      close(queue);
      push_refused(queue, 1, "closed");
    });
    close(queue);
    push_refused(queue, 2, "closed");
    other.join();
    pop_rest(queue, 0);
  };
  expect_every_schedule(kLesson, scenario, kFewer);
}

// Pushes job `number` from a thread of its own. Read `accepted` after joining the thread.
struct Producer {
  Producer(Queue& queue, int number)
      : thread("producer " + std::to_string(number), [this, &queue, number] {
          Job job = std::make_unique<int>(number);
          accepted = queue.push(std::move(job));
          lab::note(accepted ? "its job was accepted" : "its job was refused");
          lab::check(accepted || job != nullptr,
                     "push refused a job, but the caller no longer has it");
        }) {}

  bool accepted = false;
  lab::thread thread;
};

// Pops a job, or the end of the queue, on a thread of its own. Read `number` after joining it.
struct Consumer {
  Consumer(Queue& queue, const std::string& name)
      : thread(name, [this, &queue] {
          const std::optional<Job> job = queue.pop();
          if (job.has_value()) lab::check(*job != nullptr, "two threads popped the same job");
          number = job.has_value() ? **job : 0;
        }) {}

  int number = -1;
  lab::thread thread;
};

TEST(FullQueueShutdown, TwoProducersDoNotShareOnePlace) {
  const auto scenario = [] {
    Queue queue(2);
    push_accepted(queue, 1);
    Producer second(queue, 2);
    Producer third(queue, 3);
    lab::this_thread::sleep_for(1h);
    close(queue);
    second.thread.join();
    third.thread.join();
    lab::check(!second.accepted || !third.accepted, "the queue accepted 3 jobs; its capacity is 2");
    lab::check(second.accepted || third.accepted,
               "the queue had room for one more job for an hour, and accepted none");
    for (int i = 0; i < 2; ++i) {
      lab::check(queue.pop().has_value(), "a job was accepted, but pop did not return it");
    }
    pop_rest(queue, 0);
  };
  expect_every_schedule(kLesson, scenario, exact_times(2));
}

TEST(FullQueueShutdown, EveryFreePlaceAdmitsAProducer) {
  const auto scenario = [] {
    Queue queue(2);
    push_accepted(queue, 1);
    push_accepted(queue, 2);
    Producer third(queue, 3);
    Producer fourth(queue, 4);
    lab::this_thread::sleep_for(1h);  // both wait for room
    Producer fifth(queue, 5);         // may take the place before them
    for (int number = 1; number <= 3; ++number) {
      lab::note("pops a job");
      const std::optional<Job> job = queue.pop();
      lab::check(job && (number > 2 || **job == number), "pop did not return the oldest job");
    }
    for (Producer* producer : {&third, &fourth, &fifth}) {
      producer->thread.join();
      lab::check(producer->accepted, "push refused a job although the queue was open");
    }
  };
  expect_every_schedule(kLesson, scenario, exact_times());
}

TEST(FullQueueShutdown, AThreadWaitsHoweverOftenItWakesUp) {
  const auto scenario = [] {
    Queue full(1);
    Queue empty(1);
    push_accepted(full, 1);
    Producer producer(full, 2);
    Consumer consumer(empty, "consumer");
    lab::this_thread::sleep_for(1h);  // both wake up for no reason
    full.close();
    push_accepted(empty, 3);
    producer.thread.join();
    consumer.thread.join();
    lab::check(!producer.accepted, "push accepted job 2 although the queue was full");
    lab::check(consumer.number == 3, "pop did not wait for the job");
    pop_rest(full, 1);
  };
  lab::Options options = exact_times();
  options.max_spurious_wakeups = 4;
  expect_every_schedule(kLesson, scenario, options);
}

TEST(FullQueueShutdown, OneJobWakesAConsumerAndOneFreePlaceAProducer) {
  const auto scenario = [] {
    Queue queue(3);
    Consumer consumer(queue, "consumer");
    lab::this_thread::sleep_for(1h);  // it waits for a job
    push_accepted(queue, 1);
    consumer.thread.join();
    for (int number = 2; number <= 4; ++number) push_accepted(queue, number);
    Producer fifth(queue, 5);
    lab::this_thread::sleep_for(1h);  // it waits for room
    lab::note("pops one job");
    (void)queue.pop();
    fifth.thread.join();
  };
  expect_every_schedule(kLesson, scenario, exact_times());
}

TEST(FullQueueShutdown, EveryJobAndTheEndWakeAConsumer) {
  for (const int jobs : {1, 2}) {
    const auto scenario = [jobs] {
      Queue queue(2);
      Consumer first(queue, "consumer 1");
      Consumer second(queue, "consumer 2");
      lab::this_thread::sleep_for(1h);  // both wait for a job
      for (int number = 1; number <= jobs; ++number) push_accepted(queue, number);
      lab::note(jobs == 1 ? "closes the queue" : "leaves the queue open");
      if (jobs == 1) queue.close();
      first.thread.join();
      second.thread.join();
      lab::check(first.number + second.number == (jobs == 1 ? 1 : 3),
                 "the consumers did not get one job each, or the only job and the end");
    };
    expect_every_schedule(kLesson, scenario, exact_times());
  }
}

TEST(FullQueueShutdown, ANotificationReachesTheSideThatNeedsIt) {
  const auto scenario = [] {
    Queue queue(1);
    Consumer c1(queue, "consumer 1");
    Consumer c2(queue, "consumer 2");
    Producer p1(queue, 1);
    Producer p2(queue, 2);
    for (lab::thread* thread : {&c1.thread, &c2.thread, &p1.thread, &p2.thread}) thread->join();
    lab::check(p1.accepted && p2.accepted, "push refused a job although the queue was open");
    lab::check(c1.number + c2.number == 3, "the consumers did not get one job each");
  };
  expect_every_schedule(kLesson, scenario, exact_times());
}

TEST(FullQueueShutdown, AConsumerIsNotifiedAlthoughAProducerWaits) {
  const auto scenario = [] {
    Queue queue(1);
    push_accepted(queue, 1);
    Producer second(queue, 2);
    Producer third(queue, 3);
    lab::this_thread::sleep_for(1h);  // both wait for room
    Consumer consumer(queue, "consumer");
    lab::note("pops two jobs");
    const bool first = queue.pop().has_value();
    const bool popped = queue.pop().has_value() && first;  // both, or producer 3 waits forever
    for (lab::thread* thread : {&second.thread, &third.thread, &consumer.thread}) thread->join();
    lab::check(popped && consumer.number > 0, "pop reported the end of a queue that is open");
  };
  expect_every_schedule(kLesson, scenario, exact_times(1));
}

// Popped and closed at once: only one of the two producers has been notified of the room.
TEST(FullQueueShutdown, CloseWakesProducersAlthoughThereIsRoom) {
  for (const bool room_first : {true, false}) {
    const auto scenario = [room_first] {
      Queue queue(1);
      push_accepted(queue, 1);
      Producer second(queue, 2);
      Producer third(queue, 3);
      lab::this_thread::sleep_for(1h);
      lab::note(room_first ? "pops job 1, then closes the queue" : "closes the queue, then pops");
      if (room_first) (void)queue.pop();
      queue.close();
      if (!room_first) (void)queue.pop();
      second.thread.join();
      third.thread.join();
      const int accepted = second.accepted + third.accepted;
      lab::check(accepted == 0 || room_first, "push accepted a job after close()");
      lab::check(accepted < 2, "the queue accepted two jobs although it had room for one");
      lab::check(queue.pop().has_value() == (accepted > 0),
                 "what push accepted is not what pop returned");
    };
    expect_every_schedule(kLesson, scenario, exact_times());
  }
}

TEST(FullQueueShutdown, AWaitingConsumerMakesNoRoom) {
  const auto scenario = [] {
    Queue queue(1);
    Consumer consumer(queue, "consumer");
    lab::this_thread::sleep_for(1h);
    push_accepted(queue, 1);
    push_accepted(queue, 2);
    queue.close();
    lab::note("pops what is left");
    const bool popped = queue.pop().has_value();
    lab::check(!popped || !queue.pop().has_value(), "the queue held 2 jobs; its capacity is 1");
    consumer.thread.join();
  };
  expect_every_schedule(kLesson, scenario, exact_times());
}

TEST(FullQueueShutdown, PushDuringCloseIsAcceptedOrRefused) {
  expect_every_schedule(kLesson, [] {
    Queue queue(1);
    Producer producer(queue, 1);
    close(queue);
    const bool popped = queue.pop().has_value();
    producer.thread.join();
    lab::check(!producer.accepted || popped,
               "pop reported the end of the queue, then push accepted a job: the job is lost");
    lab::check(producer.accepted || !popped, "push refused a job, but pop returned it");
  });
}

}  // namespace
}  // namespace worker_pool
