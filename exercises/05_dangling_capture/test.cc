#include <memory>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "exercises/harness/lesson.h"
#include "exercises/harness/probes.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson(
    "05_dangling_capture",
    "send_later() returned, its parameters were destroyed, and only then did a worker take the "
    "job, which still refers to them. A job outlives the function that creates it, so it must own "
    "what it uses.");

// Six workers have too many schedules to try all of them.
constexpr lab::Options kManyWorkers{
    .max_preemptions = 0, .max_spurious_wakeups = 0, .max_schedules = 200, .random_schedules = 0};

using Sent = std::vector<std::string>;  // the texts, in the order they were sent

class Connection {
 public:
  explicit Connection(Sent& sent) : sent_(sent) {}

  void send(const Report& report) {
    lab::note("sends \"" + report.text + "\"");
    sent_.push_back(report.text);
  }

 private:
  Sent& sent_;
};

// A report and its connection. send_later() takes ownership; this class only observes them.
class Watched {
 public:
  explicit Watched(std::string text) : text_(std::move(text)) {}

  void send(JobQueue& jobs, Sent& sent) {
    auto report = std::make_shared<const Report>(Report{.to = "ops", .text = text_});
    auto connection = std::make_shared<Connection>(sent);
    report_ = report;
    connection_ = connection;
    original_ = report.get();
    lab::note("calls send_later() for \"" + text_ + "\"");
    const auto before = lab::steady_clock::now();
    send_later(jobs, std::move(report),
               [this, connection = std::move(connection)](const Report& it) {
                 lab::check(runner_ != nullptr, "the report was sent before its job ran");
                 lab::check(runner_ == current_thread(),
                            "the report was sent by another thread than the one that runs the job");
                 lab::check(!report_.expired(), "the job destroyed the report before it was sent");
                 lab::check(&it == original_, "the report was copied; wanted: the report itself");
                 connection->send(it);
               });
    lab::note("returns from send_later()");
    lab::check(lab::steady_clock::now() == before, "send_later() returned only after a wait");
  }

  void check_alive() const {
    lab::check(
        !report_.expired(),
        "the report was destroyed before its job ran: the job holds a reference to it or a copy "
        "of it");
    lab::check(!connection_.expired(),
               "the job is about to use the connection, which has already been destroyed");
  }

  // Runs the job. Fails the schedule first if the job would use an object that no longer exists.
  void check_and_run(const Job& job) {
    lab::note("takes the job for \"" + text_ + "\"");
    check_alive();
    run(job);
  }

  // Which of several jobs this thread runs may not matter.
  void is_run_by_this_thread() { runner_ = current_thread(); }

  void run(const Job& job) {
    is_run_by_this_thread();
    job();
  }

  void check_destroyed() const {
    check_destroyed("\"" + text_ + "\" has been sent and its job has been destroyed, but ");
  }

  void check_destroyed(const std::string& done) const {
    lab::check(report_.expired(), done + "the report still exists");
    lab::check(connection_.expired(), done + "the connection still exists");
  }

 private:
  const std::string text_;
  std::weak_ptr<const Report> report_{};
  std::weak_ptr<Connection> connection_{};
  const Report* original_ = nullptr;  // only compared: it may have been destroyed
  const void* runner_ = nullptr;      // the thread
};

// Starts a thread. Every body has the same type here, which compiles faster.
lab::thread start_thread(const std::string& name, Job body) {
  return lab::thread(name, std::move(body));
}

TEST(DanglingCapture, JobOwnsWhatItNeedsUntilItIsDone) {
  expect_every_schedule(kLesson, [] {
    JobQueue jobs;
    Sent sent;
    Watched report("disk is full");
    report.send(jobs, sent);
    lab::check(sent.empty(),
               "send_later() sent the report itself instead of leaving that to a worker");
    lab::thread worker = start_thread("worker", [&] { report.check_and_run(jobs.pop()); });
    worker.join();
    lab::check(sent == Sent{"disk is full"},
               "the job has run, but the report was not sent exactly once");
    report.check_destroyed();
  });
}

TEST(DanglingCapture, EachJobHasItsOwnReport) {
  expect_every_schedule(kLesson, [] {
    JobQueue jobs;
    Sent sent;
    Watched first("disk is full"), second("disk is fine");
    lab::thread worker = start_thread("worker", [&] {
      first.check_and_run(jobs.pop());
      second.check_and_run(jobs.pop());
    });
    first.send(jobs, sent);
    second.send(jobs, sent);
    worker.join();
    lab::check(sent == Sent{"disk is full", "disk is fine"},
               "both jobs have run, but the reports were not sent exactly once each, in order");
    first.check_destroyed();
    second.check_destroyed();
  });
}

// The limit on steps is enough for sixteen locks, but not for a loop that waits for a worker.
TEST(DanglingCapture, JobThatNeverRunsLeavesNothingBehind) {
  expect_every_schedule(
      kLesson,
      [] {
        Sent sent;
        Watched report("disk is full");
        {
          JobQueue jobs;
          lab::note("sends a report; no worker takes the job, and send_later() must not wait");
          report.send(jobs, sent);
          report.check_alive();
        }
        report.check_destroyed("the queue has been destroyed, and the job with it, but ");
        lab::check(sent.empty(), "no worker has run the job, but the report was sent");
      },
      {.max_steps = 32, .random_schedules = 0});

  // A worker takes the job, but does not run it.
  expect_every_schedule(kLesson,
                        [] {
                          JobQueue jobs;
                          Sent sent;
                          Watched report("disk is full");
                          report.send(jobs, sent);
                          lab::note("takes the job and destroys it");
                          jobs.pop() = nullptr;
                          report.check_destroyed("the job has been destroyed, but ");
                        },
                        {.random_schedules = 0});
}

TEST(DanglingCapture, JobMayRunAfterTheQueueIsDestroyed) {
  const auto scenario = [] {
    Sent sent;
    Watched report("disk is full");
    Job job;
    // On the heap, where the lab sees a use after its destruction.
    auto jobs = std::make_unique<JobQueue>();
    report.send(*jobs, sent);
    job = jobs->pop();
    lab::note("has taken the job, and destroys the queue");
    jobs.reset();
    report.check_and_run(job);
    job = nullptr;
    report.check_destroyed();
  };
  expect_every_schedule(kLesson, scenario, {.random_schedules = 0});
}

TEST(DanglingCapture, EqualReportsAreBothSent) {
  const auto scenario = [] {
    JobQueue jobs;
    Sent sent;
    Watched first("disk is full"), second("disk is full");
    lab::note("sends two equal reports");
    first.send(jobs, sent);
    second.send(jobs, sent);
    lab::thread worker = start_thread("worker", [&] {
      first.check_and_run(jobs.pop());
      second.check_and_run(jobs.pop());
    });
    worker.join();
    lab::check(sent.size() == 2, "two equal reports, but " + std::to_string(sent.size()) +
                                     " were sent; wanted: both");
  };
  expect_every_schedule(kLesson, scenario, {.max_preemptions = 1, .random_schedules = 0});
}

struct NoConnection : std::runtime_error {
  NoConnection() : std::runtime_error("no connection") {}
};

// Runs the job. Returns whether it threw an object of exactly this type.
template <class Exception>
bool throws(const Job& job) {
  try {
    job();
  } catch (const Exception& e) {
    return typeid(e) == typeid(Exception);
  } catch (...) {
  }
  return false;
}

void check_two_sends_of_one_report(bool fail) {
  JobQueue jobs;
  Sent by_mail, by_chat;
  const auto report = std::make_shared<const Report>(Report{.to = "ops", .text = "disk is full"});
  lab::note("sends one report twice: by mail and by chat, each of which waits for the other");
  LabGate mailed("mail");
  LabGate chatted("chat");
  const auto send = [&](Sent* sent, LabGate* own, LabGate* other) {
    send_later(jobs, report, [sent, own, other, fail](const Report& it) {
      sent->push_back(it.text);
      own->open();
      other->wait();
      if (!fail) return;
      lab::note("sending throws");
      throw NoConnection();
    });
  };
  send(&by_mail, &mailed, &chatted);
  send(&by_chat, &chatted, &mailed);
  lab::note("starts two workers, which run a job each");
  const auto work = [&] {
    const Job job = jobs.pop();
    if (!fail) return job();
    lab::check(throws<NoConnection>(job),
               "sending threw an exception, but the job did not throw the same one");
  };
  lab::thread worker1 = start_thread("worker 1", work);
  lab::thread worker2 = start_thread("worker 2", work);
  worker1.join();
  worker2.join();
  lab::check(by_mail.size() == 1 && by_chat.size() == 1,
             "one report was to be sent by mail and by chat; wanted: both, once");
}

TEST(DanglingCapture, OneReportMayBeSentTwiceAtTheSameTime) {
  for (const bool fail : {false, true}) {
    expect_every_schedule(kLesson, [fail] { check_two_sends_of_one_report(fail); },
                          {.max_preemptions = 1, .random_schedules = 0});
  }
}

// All workers are asleep. Each send waits for the last one, whose report the first send sends, to
// its own queue or to another one.
TEST(DanglingCapture, AllWorkersMaySendAtTheSameTime) {
  for (const bool is_other_queue : {false, true}) {
    const auto scenario = [is_other_queue] {
      constexpr int kWorkers = 6;
      JobQueue jobs, other_jobs;
      JobQueue& next = is_other_queue ? other_jobs : jobs;
      LabGate start("the last worker is about to take a job");
      LabGate last("the last report is sent");
      const auto report = std::make_shared<const Report>();
      std::vector<lab::thread> workers;
      for (int i = 1; i <= kWorkers; ++i) {
        workers.push_back(start_thread("worker " + std::to_string(i), [&, i] {
          if (i < kWorkers) return jobs.pop()();
          start.open();
          next.pop()();
        }));
      }
      start.wait();
      for (int i = 1; i < kWorkers; ++i) {
        lab::note("sends report " + std::to_string(i) + " of 6");
        send_later(jobs, report, [&, i](const Report&) {
          if (i == 1) send_later(next, report, [&](const Report&) { last.open(); });
          last.wait();
        });
      }
      for (lab::thread& worker : workers) worker.join();
    };
    expect_every_schedule(kLesson, scenario, kManyWorkers);
  }
}

TEST(DanglingCapture, TwoThreadsMaySendAtOnce) {
  for (const bool is_other_queue : {false, true}) {
    const auto scenario = [is_other_queue] {
      JobQueue jobs, other_jobs;
      JobQueue& next = is_other_queue ? other_jobs : jobs;
      Sent sent;
      Watched first("disk is full"), second("disk is fine");
      lab::thread sender1 = start_thread("sender 1", [&] { first.send(jobs, sent); });
      lab::thread sender2 = start_thread("sender 2", [&] { second.send(next, sent); });
      sender1.join();
      sender2.join();
      for (Watched* report : {&first, &second}) {
        report->check_alive();
        report->is_run_by_this_thread();
      }
      jobs.pop()();
      next.pop()();
      lab::check(sent.size() == 2, "both jobs have run, but " + std::to_string(sent.size()) +
                                       " reports were sent; wanted: 2");
      first.check_destroyed();
      second.check_destroyed();
    };
    expect_every_schedule(kLesson, scenario, {.random_schedules = 20});
  }
}

// Sending may fail, and may send another report. The job and the queue must not get in its way.
template <class Exception>
void check_what_send_throws(const Exception& exception) {
  auto jobs = std::make_unique<JobQueue>();  // on the heap, as above
  Sent sent;
  Watched next("disk is still full");
  std::weak_ptr<const Report> watch;
  bool send_destroyed = false;
  {
    auto report = std::make_shared<const Report>(Report{.to = "ops", .text = "disk is full"});
    watch = report;
    auto end = at_the_end([&] { send_destroyed = true; });
    send_later(*jobs, std::move(report), [&, end = std::move(end)](const Report& it) {
      lab::note("sends \"" + it.text + "\", which sends another report and throws");
      next.send(*jobs, sent);
      throw exception;
    });
  }
  lab::check(throws<Exception>(jobs->pop()),
             "sending threw an exception, but the job did not throw the same one");
  lab::check(watch.expired(), "sending threw an exception, and the report still exists");
  lab::check(send_destroyed, "sending threw an exception, and `send` still exists");
  next.check_and_run(jobs->pop());
  next.check_destroyed();

  send_later(*jobs, std::make_shared<const Report>(), [&](const Report&) { throw exception; });
  const Job last = jobs->pop();
  lab::note("has taken another job whose send throws, and destroys the queue before it runs");
  jobs.reset();
  lab::check(throws<Exception>(last),
             "the queue had been destroyed, and the job did not throw what sending threw");
}

TEST(DanglingCapture, WhatSendDoesIsUpToSend) {
  // One thread, so only one schedule.
  expect_every_schedule(kLesson, [] { check_what_send_throws(NoConnection()); },
                        {.random_schedules = 0});
  expect_every_schedule(kLesson, [] { check_what_send_throws(42); }, {.random_schedules = 0});
}

TEST(DanglingCapture, ReportsAreSentInOrderHoweverManyThereAre) {
  const auto scenario = [] {
    JobQueue jobs;
    Sent sent, wanted;
    std::vector<std::shared_ptr<const Report>> kept;
    const std::function<void(const std::string&)> pass = [&](const std::string& text) {
      wanted.push_back(text);
      kept.push_back(
          std::make_shared<const Report>(Report{.to = text.empty() ? "" : "ops", .text = text}));
      send_later(jobs, kept.back(), [&, report = kept.back().get()](const Report& it) {
        lab::check(&it == report, "the report was copied; wanted: the report itself");
        sent.push_back(it.text);
        if (it.text == "1") pass("198");
        if (it.text == "1") pass("199");
      });
    };
    lab::note("sends 198 reports and keeps them; the first is empty, the second sends two more");
    for (int i = 0; i < 198; ++i) pass(i == 0 ? "" : std::to_string(i));
    lab::note("runs 200 jobs");
    for (int i = 0; i < 200; ++i) jobs.pop()();
    lab::check(sent == wanted, "the reports were not sent exactly once each, in order");
  };
  // One thread, so only one schedule.
  expect_every_schedule(kLesson, scenario, {.max_spurious_wakeups = 0, .random_schedules = 0});
}

}  // namespace
}  // namespace worker_pool
