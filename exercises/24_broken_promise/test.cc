#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <stdexcept>
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
    "24_broken_promise",
    "the job was submitted, then the shutdown came before a worker had taken the job, and dropped "
    "it. The job was all that would have answered, so its caller waits forever. It is never told "
    "that the job did not start and can be sent again elsewhere.");

std::string text_of(const Answer& answer) {
  if (answer.status == Status::kDone) return "kDone, " + std::to_string(answer.value);
  return answer.status == Status::kFailed ? "kFailed" : "kNotStarted";
}

void check_answer(const std::shared_ptr<Reply>& reply, const Answer& wanted,
                  const std::string& job) {
  const Answer answer = reply->get();
  const bool is_right = answer.status == wanted.status &&
                        (wanted.status != Status::kDone || answer.value == wanted.value);
  lab::check(is_right,
             "the answer of " + job + " is " + text_of(answer) + "; wanted: " + text_of(wanted));
}

constexpr Answer kNotStarted{.status = Status::kNotStarted};
constexpr Answer kFailed{.status = Status::kFailed};
constexpr Answer done(int value) { return {.status = Status::kDone, .value = value}; }

// A job that is queued when the shutdown begins, or that is submitted later.
int must_not_run() {
  lab::check(false, "a job ran that had not started when the pool was shut down");
  return 0;
}

TEST(BrokenPromise, EveryCallerGetsAnAnswer) {
  expect_every_schedule(kLesson, [] {
    bool ran = false;
    Pool pool;
    lab::note("submits a job");
    const auto reply = pool.submit([&] {
      lab::note("runs the job");
      ran = true;
      return 7;
    });
    lab::note("shuts the pool down");
    pool.shutdown();
    lab::note("waits for the answer");
    check_answer(reply, ran ? done(7) : kNotStarted, ran ? "the job that ran" : "the dropped job");
  });
}

// No thread is delayed for as long as the sleeps below.
lab::Options exact_times(int max_preemptions = 1) {
  return {.max_preemptions = max_preemptions, .early_timeouts = false, .random_schedules = 20};
}

constexpr auto kTenYears = 24h * 3650;

// The first job runs, and two threads wait for each of the jobs behind it. A thread that polls for
// so long takes more steps than a schedule may have.
TEST(BrokenPromise, WaitingCallersAreAnsweredWhileTheRunningJobGoesOn) {
  const auto scenario = [] {
    LabGate gate("running job");
    Pool pool;
    const auto running = pool.submit([&] {
      gate.wait();
      return 1;
    });
    gate.await_arrival();
    const auto second = pool.submit(must_not_run);
    const auto third = pool.submit(must_not_run);
    const auto wait = [&] {
      check_answer(third, kNotStarted, "a job still queued at the shutdown");
      check_answer(second, kNotStarted, "a job still queued at the shutdown");
      check_time(kTenYears, "a caller was not answered as soon as its job was dropped");
    };
    lab::thread one("caller 1", wait);
    lab::thread two("caller 2", wait);
    lab::thread opener("opener", [&] {
      one.join();
      two.join();
      gate.open();
    });
    lab::this_thread::sleep_for(kTenYears);
    lab::note("shuts the pool down");
    pool.shutdown();
    check_answer(running, done(1), "the job that ran during the shutdown");
    opener.join();
    lab::check(lab::running_threads() == 1, "shutdown() returned, but the worker still runs");
    check_answer(second, kNotStarted, "a dropped job, later,");
  };
  expect_every_schedule(kLesson, scenario, exact_times(0));
}

TEST(BrokenPromise, TheRunningJobMayWaitForAQueuedOne) {
  const auto scenario = [] {
    std::shared_ptr<Reply> second;
    LabGate gate("running job");
    Pool pool;
    const auto first = pool.submit([&] {
      gate.wait();
      lab::note("waits for the answer of the second job");
      check_answer(second, kNotStarted, "the second job");
      const auto third = pool.submit(must_not_run);
      check_answer(third, kNotStarted, "a job submitted by a job during the shutdown");
      return 1;
    });
    second = pool.submit(must_not_run);
    gate.await_arrival();
    lab::thread caller(
        "caller", [&] { check_answer(first, done(1), "the job that ran during the shutdown"); });
    lab::thread opener("opener", [&] {
      lab::this_thread::sleep_for(1h);
      gate.open();
    });
    lab::note("shuts the pool down");
    pool.shutdown();
    caller.join();
    opener.join();
  };
  expect_every_schedule(kLesson, scenario, exact_times());
}

// The only worker is busy, so the third job never runs. It may come before, during or after the
// shutdown. It has its answer only after the shutdown has begun, so the second job must not run
// then.
TEST(BrokenPromise, TheRunningJobMayWaitForAJobThatItSubmitsMeanwhile) {
  const auto scenario = [] {
    LabGate gate("running job");
    Pool pool;
    const auto first = pool.submit([&] {
      gate.wait();
      const auto third = pool.submit(must_not_run);
      lab::note("waits for the answer of the third job");
      check_answer(third, kNotStarted, "the third job");
      return 1;
    });
    gate.await_arrival();
    const auto second = pool.submit(must_not_run);
    gate.open();
    lab::note("shuts the pool down");
    pool.shutdown();
    check_answer(first, done(1), "the job that ran during the shutdown");
    check_answer(second, kNotStarted, "the second job");
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_spurious_wakeups = 0, .max_schedules = 500, .random_schedules = 20});
}

// Whatever the answer is, it says whether the job ran.
TEST(BrokenPromise, AJobSubmittedDuringTheShutdownIsAnsweredToo) {
  const auto scenario = [] {
    int ran = 0;
    std::shared_ptr<Reply> reply;
    Pool pool;
    lab::thread producer("producer", [&] {
      lab::note("submits a job");
      reply = pool.submit([&] { return ++ran; });
      (void)reply->get();
    });
    lab::note("shuts the pool down");
    pool.shutdown();
    producer.join();
    check_answer(reply, ran == 1 ? done(1) : kNotStarted,
                 ran == 1 ? "a job that ran" : "a job that did not run");
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_spurious_wakeups = 0, .max_schedules = 500, .random_schedules = 50});
}

TEST(BrokenPromise, AJobSubmittedAfterTheShutdownIsAnsweredAtOnce) {
  const auto scenario = [] {
    Pool pool;
    pool.shutdown();
    for (int i = 0; i < 2; ++i) {
      const auto late = pool.submit(must_not_run);
      check_answer(late, kNotStarted, "a job submitted after the shutdown");
      pool.shutdown();  // once more: does nothing
    }
    check_time(0h, "time passed before a late job was answered");
  };
  expect_every_schedule(kLesson, scenario, exact_times());
}

TEST(BrokenPromise, WhileThePoolIsOpenEveryJobRunsInOrder) {
  const auto scenario = [] {
    std::vector<int> ran;
    Pool pool;
    std::vector<std::shared_ptr<Reply>> replies;
    const auto submit = [&](int number, const Work& work) {
      replies.push_back(pool.submit([&ran, number, work] {
        ran.push_back(number);
        return work();
      }));
    };
    submit(1, [] { return 1; });
    submit(2, []() -> int { throw std::runtime_error("job 2"); });
    submit(3, []() -> int { throw 3; });
    submit(4, [first = replies[0]] { return first->get().value + 3; });
    check_answer(replies[3], done(4), "job 4");
    check_answer(replies[2], kFailed, "job 3, which threw an int,");
    check_answer(replies[1], kFailed, "job 2, which threw an exception,");
    check_answer(replies[0], done(1), "job 1");
    check_answer(pool.submit(Work()), kFailed, "a job without a function");
    lab::check(ran == std::vector{1, 2, 3, 4}, "the jobs did not run in order");
    lab::note("submits a job after an hour, in a job of another pool");
    lab::this_thread::sleep_for(1h);
    Pool other;
    const auto outer = other.submit([&] { return pool.submit([] { return 5; })->get().value; });
    check_answer(outer, done(5), "job 5");
    check_time(1h, "the worker did not run a job at once");
  };
  expect_every_schedule(kLesson, scenario, exact_times());
}

TEST(BrokenPromise, AThreadWaitsHoweverOftenItWakesUp) {
  const auto scenario = [] {
    Pool pool;
    lab::this_thread::sleep_for(1h);  // the worker wakes up for no reason
    const auto reply = pool.submit([] {
      lab::this_thread::sleep_for(1h);
      return 1;
    });
    check_answer(reply, done(1), "the job");
    check_time(2h, "the worker was idle, but it did not run a job at once");
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0, .max_spurious_wakeups = 4, .random_schedules = 0});
}

// What a dropped job owns is destroyed by a thread that holds no lock of the pool, and after all
// dropped jobs have been answered: it may wait for these answers.
TEST(BrokenPromise, TheDestructorOfADroppedJobMayUseThePool) {
  const auto scenario = [] {
    constexpr int kJobs = 3;
    LabGate gate("running job");
    int destroyed = 0;
    std::deque<std::shared_ptr<Reply>> replies;
    Pool pool;
    const auto first = pool.submit([&] {
      gate.wait();
      return 1;
    });
    gate.await_arrival();
    for (int i = 0; i < kJobs; ++i) {
      auto end = at_the_end([&] {
        ++destroyed;
        lab::note("destroys a dropped job, which submits another");
        check_answer(pool.submit(must_not_run), kNotStarted, "a job submitted too late");
        for (const auto& reply : replies) check_answer(reply, kNotStarted, "a dropped job");
      });
      replies.push_back(pool.submit([end = std::move(end)] { return 2; }));
    }
    lab::thread opener("opener", [&] {
      for (const auto& reply : replies) check_answer(reply, kNotStarted, "a dropped job");
      gate.open();
    });
    lab::note("shuts the pool down");
    pool.shutdown();
    lab::check(destroyed == kJobs, "shutdown() returned, but a dropped job still exists");
    opener.join();
    check_answer(first, done(1), "the job that ran during the shutdown");
  };
  expect_every_schedule(kLesson, scenario, exact_times());
}

// The second job is still queued while the first one is destroyed, so the shutdown drops it.
TEST(BrokenPromise, TheDestructorOfAJobThatRanMayWaitForReplies) {
  const auto scenario = [] {
    LabGate gate("job");
    LabGate has_run("end of the job");
    std::shared_ptr<Reply> first;
    std::shared_ptr<Reply> second;
    bool destroyed = false;
    Pool pool;
    auto end = at_the_end([&] {
      check_answer(first, done(1), "a job that is destroyed after it has run");
      has_run.open();
      lab::note("waits for the answer of the second job");
      check_answer(second, kNotStarted, "the second job");
      destroyed = true;
    });
    first = pool.submit([&gate, end = std::move(end)] {
      gate.wait();
      return 1;
    });
    second = pool.submit(must_not_run);
    gate.open();
    has_run.wait();
    lab::note("shuts the pool down");
    pool.shutdown();
    lab::check(destroyed, "shutdown() returned, but the job that ran still exists");
  };
  expect_every_schedule(kLesson, scenario, exact_times());
}

// One job has run when the pool is shut down, one runs, two are queued, and one comes too late.
// Once the shutdown begins, a copy that is destroyed also waits: for the answer to its own job, or,
// if it was dropped, to every job that was.
TEST(BrokenPromise, ACopyOfAJobMayUseThePoolWhenItIsDestroyed) {
  const auto scenario = [] {
    std::vector<std::shared_ptr<Reply>> replies(4);
    lab::atomic<bool> shuts_down = false;
    Pool pool;
    const auto copies_wait_for = [&](const std::vector<std::size_t>& jobs) {
      return EachCopyAtTheEnd([&, jobs] {
        (void)pool.submit([] { return 0; });
        if (!shuts_down) return;
        lab::note("destroys a copy of a job, and waits for answers");
        for (const std::size_t job : jobs) (void)replies[job]->get();
      });
    };
    lab::note("submits jobs that submit another one whenever a copy of them is destroyed");
    replies[0] = pool.submit([end = copies_wait_for({0})] { return 0; });
    replies[1] = pool.submit([end = copies_wait_for({1})] {
      lab::this_thread::sleep_for(1h);
      return 1;
    });
    for (const std::size_t job : {2uz, 3uz})
      replies[job] = pool.submit([end = copies_wait_for({2, 3})] { return 2; });
    lab::this_thread::sleep_for(1s);
    shuts_down = true;
    lab::note("shuts the pool down");
    pool.shutdown();
    (void)pool.submit([end = copies_wait_for({})] { return 3; });
  };
  expect_every_schedule(kLesson, scenario, exact_times(0));
}

TEST(BrokenPromise, TheAnswerOutlivesThePool) {
  const auto scenario = [] {
    std::shared_ptr<Reply> running, second, third;
    {
      LabGate gate("running job");
      Pool pool;
      running = pool.submit([&] {
        gate.open();
        lab::this_thread::sleep_for(1h);
        return 1;
      });
      gate.wait();
      second = pool.submit(must_not_run);
      third = pool.submit(must_not_run);
      lab::note("destroys the pool without a shutdown");
    }
    check_answer(running, done(1), "the job that ran when the pool was destroyed");
    for (const auto& reply : {second, third}) check_answer(reply, kNotStarted, "a queued job");
  };
  expect_every_schedule(kLesson, scenario, exact_times());
}

// A caller need not wait for its answer, nor keep the reply.
TEST(BrokenPromise, ACallerMayForgetItsReply) {
  const auto scenario = [] {
    Pool pool;
    (void)pool.submit([] { return 1; });
    (void)pool.submit([]() -> int { throw 2; });
    pool.shutdown();
    (void)pool.submit([] { return 3; });
  };
  expect_every_schedule(kLesson, scenario, exact_times());
}

}  // namespace
}  // namespace worker_pool
