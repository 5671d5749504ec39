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

using namespace std::chrono_literals;

constexpr Lesson kLesson(
    "01_unbounded_queue",
    "the workers fell behind, and try_submit accepted job 101 and every job after it. The queue "
    "grows until memory runs out and the system kills the process, and every job in the queue is "
    "lost with it.");

constexpr std::size_t kMaxWaiting = 100;

// Submits jobs `first` to `last`; each job appends its number to `ran`. There must be room.
void submit_all(JobQueue& queue, int first, int last, std::vector<int>& ran) {
  for (int i = first; i <= last; ++i) {
    lab::check(queue.try_submit([&ran, i] { ran.push_back(i); }),
               "job " + std::to_string(i) + " was refused although there was room");
  }
}

// Takes one job and runs it. There must be one.
void run_one(JobQueue& queue) {
  const auto job = queue.try_take();
  lab::check(job.has_value(), "a job was waiting, but try_take() returned none");
  lab::check(*job != nullptr, "try_take() returned an empty job");
  (*job)();
}

void run_several(JobQueue& queue, int count) {
  for (int i = 0; i < count; ++i) run_one(queue);
}

void check_waiting(const JobQueue& queue, std::size_t wanted) {
  const std::size_t size = queue.size();
  lab::check(size == wanted, std::to_string(wanted) + " jobs are waiting, but size() returns " +
                                 std::to_string(size));
}

void check_limit(const JobQueue& queue) {
  const std::size_t size = queue.size();
  lab::check(size <= kMaxWaiting,
             std::to_string(size) + " jobs are waiting at once; the limit is 100");
}

// Of two jobs for which there was room for one.
void check_one_accepted(const JobQueue& queue, bool is_in1, bool is_in2) {
  lab::check(is_in1 || is_in2, "there was room for one job, but both were refused");
  lab::check(!is_in1 || !is_in2, "there was room for one job, but both were accepted");
  check_waiting(queue, kMaxWaiting);
}

void check_refused(JobQueue& queue) {
  lab::check(!queue.try_submit([] {}), "100 jobs were waiting, but one more was accepted");
}

void check_full(JobQueue& queue) {
  check_refused(queue);
  check_waiting(queue, kMaxWaiting);
}

// Submits a job and returns whether it was accepted.
bool submit_one(JobQueue& queue) {
  lab::note("submits a job");
  Job job = [] {};
  const bool accepted = queue.try_submit(std::move(job));
  lab::note(accepted ? "its job was accepted" : "its job was refused");
  lab::check(accepted || job, "a job was refused, but the caller no longer has it: it is lost");
  return accepted;
}

// Starts a thread. Every body has the same type here, which compiles faster.
lab::thread start_thread(const std::string& name, Job body) {
  return lab::thread(name, std::move(body));
}

// Runs each function on a thread of its own, at the same time.
void run_both(const std::string& name, const Job& first, const Job& second) {
  lab::thread one = start_thread(name + " 1", first);
  lab::thread two = start_thread(name + " 2", second);
  one.join();
  two.join();
}

TEST(UnboundedQueue, RefusesWhatDoesNotFit) {
  const auto scenario = [] {
    JobQueue queue;
    std::vector<int> ran;
    int copies = 0;
    lab::note("submits jobs 1 to 100; no worker takes one");
    submit_all(queue, 1, 100, ran);
    check_time(0s, "100 jobs were accepted, but only after a wait");
    lab::note("submits job 101");
    Job late = [&ran, attachment = Attachment(copies)] { ran.push_back(101); };
    const bool accepted = queue.try_submit(std::move(late));
    lab::check(ran.empty(), "try_submit ran a job itself; that is the work of a worker");
    if (accepted) check_limit(queue);
    lab::check(!accepted, "job 101 was accepted, but an accepted job was thrown away");
    check_time(0s, "job 101 was refused, but only after a wait");
    lab::check(late != nullptr, "job 101 was refused, but the caller no longer has it");
    lab::check(copies == 0, "job 101 was refused, but try_submit made a copy of it");
    check_waiting(queue, 100);
    lab::note("takes job 1 and submits job 101 again");
    run_one(queue);
    lab::check(queue.try_submit(std::move(late)), "job 101 was refused although there was room");
    run_several(queue, 100);
    lab::check(ran.back() == 101, "job 101 was submitted again, but another job came out");
    lab::check(JobQueue::kMaxWaiting == 100, "the limit is 100, but kMaxWaiting is not");
  };
  // One thread, so only one schedule.
  expect_every_schedule(kLesson, scenario, {.max_spurious_wakeups = 0, .random_schedules = 0});
}

// On two threads, each with a queue of its own. The limit on steps leaves eight for each of these
// calls, enough to lock two mutexes at once, and ten for each other one.
TEST(UnboundedQueue, RefusesAtOnce) {
  for (const int waiting : {0, 99, 100}) {
    const auto call = [waiting] {
      JobQueue queue;
      std::vector<int> ran;
      submit_all(queue, 1, waiting, ran);
      lab::note("500 calls with " + std::to_string(waiting) + " jobs waiting: none may try again");
      for (int i = 0; i < 500; i += waiting == 99 ? 2 : 1) {
        if (waiting == 100) check_refused(queue);
        if (waiting == 99) submit_all(queue, i, i, ran);
        if (waiting == 99) run_one(queue);
        if (waiting == 0) lab::check(!queue.try_take(), "no job was waiting, but one was taken");
      }
      check_time(0s, "the calls returned only after a wait");
    };
    expect_every_schedule(kLesson, [&] { run_both("thread", call, call); },
                          {.max_preemptions = 0,
                           .max_spurious_wakeups = 0,
                           .max_steps = 10'000,
                           .random_schedules = 0});
  }
}

TEST(UnboundedQueue, EachAcceptedJobComesOutOnceInOrder) {
  const auto scenario = [] {
    JobQueue queue;
    std::vector<int> ran;
    submit_all(queue, 1, 100, ran);
    run_one(queue);
    submit_all(queue, 101, 101, ran);
    lab::check(!queue.try_submit([] {}), "one job was taken, but two were accepted in its place");
    lab::note("has taken 30 more: there is room for 30");
    run_several(queue, 30);
    check_waiting(queue, 70);
    submit_all(queue, 102, 131, ran);
    check_full(queue);
    lab::note("submits 160 jobs to another queue and takes 60; destroys it while it is full");
    int destroyed = 0;
    auto other = std::make_unique<JobQueue>();
    for (int i = 1; i <= 160; ++i) {
      if (i > 100) (void)other->try_take();
      lab::check(other->try_submit([end = at_the_end([&] { ++destroyed; })] {}),
                 "a queue refused a job although there was room: another one was full");
    }
    other.reset();
    lab::check(destroyed == 160, "a queue was destroyed, but not all jobs that waited in it were");
    run_several(queue, 100);
    lab::check(!queue.try_take().has_value(),
               "131 jobs were accepted, but try_take() returned one more");
    for (int first = 132; first <= 332; first += 100) {
      submit_all(queue, first, first + 99, ran);
      check_full(queue);
      run_several(queue, 100);
      check_waiting(queue, 0);
    }
    for (int i = 1; i <= 431; ++i) {
      const int got = ran[static_cast<std::size_t>(i - 1)];
      lab::check(got == i, "job " + std::to_string(got) + " came out in place of job " +
                               std::to_string(i) + ": the oldest job must come out first");
    }
  };
  // One thread, so only one schedule: ten steps for each call are enough.
  expect_every_schedule(kLesson, scenario,
                        {.max_spurious_wakeups = 0, .max_steps = 12'000, .random_schedules = 0});
}

// A try_lock() may fail although the mutex is free, and more than once.
TEST(UnboundedQueue, MovesTheJobInAndOut) {
  const auto scenario = [] {
    JobQueue queue;
    int copies = 0;
    bool ran = false;
    auto owned = std::make_shared<int>(0);
    const std::weak_ptr<int> watch = owned;
    Job job = [&ran, attachment = Attachment(copies), owned = std::move(owned)] { ran = true; };
    lab::check(queue.try_submit(std::move(job)), "there was room, but the job was refused");
    lab::check(copies == 0,
               "the job was accepted, but try_submit copied it: the caller still has it, too");
    check_waiting(queue, 1);
    {
      const auto taken = queue.try_take();
      lab::check(taken.has_value(), "a job was waiting, but try_take() returned none");
      lab::check(copies == 0, "try_take() copied the job; wanted: moved out of the queue");
      lab::check(!ran, "the queue ran the job itself; that is the work of a worker");
    }
    lab::check(watch.expired(),
               "the job was taken and destroyed, but the queue keeps what the job owned");
  };
  expect_every_schedule(kLesson, scenario, {.max_spurious_wakeups = 12, .random_schedules = 0});
}

TEST(UnboundedQueue, TwoWhoSubmitAtOnceFindRoomForOneOrTwo) {
  for (const int room : {1, 2}) {
    const auto scenario = [room] {
      JobQueue queue;
      std::vector<int> ran;
      lab::note("submits jobs until there is room for " + std::to_string(room) + " more");
      submit_all(queue, 1, 100 - room, ran);
      bool is_in1 = false, is_in2 = false;
      const auto submit = [&](bool& is_in) {
        is_in = submit_one(queue);
        lab::check(is_in || queue.size() == kMaxWaiting,
                   "a job was refused although fewer than 100 jobs were waiting");
      };
      run_both("producer", [&] { submit(is_in1); }, [&] { submit(is_in2); });
      if (room == 1) return check_one_accepted(queue, is_in1, is_in2);
      lab::check(is_in1 && is_in2, "there was room for two jobs, but one was refused");
      check_full(queue);
    };
    expect_every_schedule(
        kLesson, scenario,
        {.max_preemptions = 3 - room, .max_spurious_wakeups = 0, .random_schedules = 20});
  }
}

TEST(UnboundedQueue, TwoWhoTakeAtOnceGetDifferentJobs) {
  const auto scenario = [] {
    JobQueue queue;
    std::vector<int> ran1, ran2, ran;
    submit_all(queue, 1, 1, ran1);
    submit_all(queue, 1, 1, ran2);
    submit_all(queue, 3, 100, ran);
    const auto replace_one = [&] {
      run_one(queue);
      submit_all(queue, 101, 101, ran);
    };
    run_both("worker", replace_one, replace_one);
    lab::check(ran1.size() == 1 && ran2.size() == 1,
               "two workers took a job each, but one job ran twice and the other never");
    check_full(queue);
  };
  expect_every_schedule(kLesson, scenario, {.max_preemptions = 1, .random_schedules = 20});

  // One job for two workers.
  const auto one_job = [] {
    JobQueue queue;
    std::vector<int> ran;
    submit_all(queue, 1, 1, ran);
    int taken = 0;
    const auto take = [&] {
      const auto job = queue.try_take();
      lab::note(job ? "takes a job" : "finds no job");
      if (!job) return;
      ++taken;
      lab::check(taken == 1 && *job != nullptr, "one job was waiting, but two were taken");
    };
    run_both("worker", take, take);
    lab::check(taken == 1, "one job was waiting, but no worker got it");
    check_waiting(queue, 0);
  };
  expect_every_schedule(kLesson, one_job, {.max_spurious_wakeups = 0, .random_schedules = 20});
}

// The queue is almost empty, so the worker and the producer use the same place at the same time.
TEST(UnboundedQueue, AWorkerTakesWhatIsSubmittedMeanwhile) {
  const auto scenario = [] {
    JobQueue queue;
    std::vector<int> ran;
    lab::thread worker = start_thread("worker", [&] {
      for (int i = 0; i < 2; ++i) {
        const auto job = queue.try_take();
        lab::note(job ? "takes a job" : "finds no job");
        check_limit(queue);
        if (!job) continue;
        lab::check(*job != nullptr, "try_take() returned an empty job");
        (*job)();
      }
    });
    submit_all(queue, 1, 2, ran);
    worker.join();
    run_several(queue, 2 - static_cast<int>(ran.size()));
    lab::check(ran == std::vector{1, 2}, "the jobs did not come out once each, in order");
    check_waiting(queue, 0);
  };
  expect_every_schedule(kLesson, scenario, {.max_preemptions = 1, .random_schedules = 20});
}

TEST(UnboundedQueue, WhoeverHasSubmittedAJobFindsOne) {
  const auto scenario = [] {
    JobQueue queue;
    const auto submit_and_take = [&] {
      lab::check(submit_one(queue), "the first or second job was refused");
      lab::check(queue.try_take().has_value(),
                 "two threads submitted a job each and then took one, but "
                 "try_take() returned none: a waiting job hid another one");
    };
    run_both("thread", submit_and_take, submit_and_take);
  };
  expect_every_schedule(kLesson, scenario, {.max_preemptions = 1, .random_schedules = 20});

  // Only the worker takes, so it finds its own job, too.
  const auto one_takes = [] {
    JobQueue queue;
    std::vector<int> ran;
    lab::thread worker = start_thread("worker", [&] {
      lab::note("submits job 2 and takes a job");
      submit_all(queue, 2, 2, ran);
      run_one(queue);
      if (ran.back() == 2) return;
      lab::note("has run job 1, so job 2 is waiting");
      run_one(queue);
    });
    submit_all(queue, 1, 1, ran);
    lab::check(queue.size() <= 2, "size() returned more than the 2 jobs that were submitted");
    worker.join();
  };
  expect_every_schedule(kLesson, one_takes, {.max_preemptions = 1, .random_schedules = 20});
  // A load may return an older value, as on real machines. This counts as a preemption.
  expect_every_schedule(kLesson, one_takes, {.random_schedules = 0, .stale_reads = true});
}

TEST(UnboundedQueue, SubmitsAndTakesHoweverOftenTheQueueChangesMeanwhile) {
  for (const bool is_taking : {false, true}) {
    const auto scenario = [is_taking] {
      JobQueue queue;
      std::vector<int> ran;
      submit_all(queue, 1, 4, ran);
      lab::thread worker = start_thread("worker", [&] { run_several(queue, 3); });
      lab::check(is_taking || submit_one(queue), "there was room for 96 jobs, but one was refused");
      lab::check(!is_taking || queue.try_take(), "a job was waiting, but try_take() returned none");
      worker.join();
    };
    expect_every_schedule(kLesson, scenario,
                          {.max_preemptions = 5, .max_spurious_wakeups = 0, .random_schedules = 0});
  }
}

// While a worker takes a job, there are never more than 99 others.
TEST(UnboundedQueue, SubmitsWhileAWorkerTakes) {
  const auto scenario = [] {
    JobQueue queue;
    std::vector<int> ran;
    lab::note("submits jobs 1 to 99: there is room for one more");
    submit_all(queue, 1, 99, ran);
    lab::thread worker = start_thread("worker", [&] { run_one(queue); });
    lab::check(submit_one(queue), "there was room for one job, but it was refused");
    const bool has_room = queue.size() < kMaxWaiting;
    const bool accepted = submit_one(queue);
    lab::check(accepted || !has_room, "size() returned 99, and then a job was refused");
    worker.join();
    lab::check(accepted || submit_one(queue),
               "100 jobs were accepted and one was taken, but there is no room");
    check_full(queue);
  };
  expect_every_schedule(kLesson, scenario, {.max_spurious_wakeups = 0, .random_schedules = 20});
}

TEST(UnboundedQueue, TakingOneJobMakesRoomForOne) {
  const auto scenario = [] {
    JobQueue queue;
    std::vector<int> ran;
    lab::note("submits jobs 1 to 100: there is no room");
    submit_all(queue, 1, 100, ran);
    bool is_in1 = false, is_in2 = false;
    lab::thread producer = start_thread("producer", [&] {
      is_in1 = submit_one(queue);
      check_limit(queue);
    });
    lab::thread worker = start_thread("worker", [&] {
      check_limit(queue);
      run_one(queue);
      is_in2 = submit_one(queue);
    });
    check_limit(queue);
    producer.join();
    worker.join();
    check_one_accepted(queue, is_in1, is_in2);
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 1, .max_spurious_wakeups = 0, .random_schedules = 20});
}

}  // namespace
}  // namespace worker_pool
