#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson(
    "05_dangling_capture",
    "send_later() returned, its parameters were destroyed, and only then a worker took the job, "
    "which still refers to them. A job outlives the function that creates it, so it must own what "
    "it uses.");

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
    lab::note("calls send_later() for \"" + text_ + "\"");
    send_later(jobs, std::move(report),
               [connection = std::move(connection)](const Report& it) { connection->send(it); });
    lab::note("returns from send_later()");
  }

  // Runs the job. Fails the schedule first if the job would use an object that no longer exists.
  void check_and_run(const Job& job) const {
    lab::note("takes the job for \"" + text_ + "\"");
    lab::check(
        !report_.expired(),
        "the report was destroyed before its job ran: the job holds a reference to it or a copy "
        "of it");
    lab::check(!connection_.expired(),
               "the job is about to use the connection, which has already been destroyed");
    job();
  }

  void check_destroyed() const {
    const std::string done = "\"" + text_ + "\" has been sent and its job has been destroyed, but ";
    lab::check(report_.expired(), done + "the report still exists");
    lab::check(connection_.expired(), done + "the connection still exists");
  }

 private:
  const std::string text_;
  std::weak_ptr<const Report> report_{};
  std::weak_ptr<Connection> connection_{};
};

TEST(DanglingCapture, JobOwnsWhatItNeedsUntilItIsDone) {
  expect_every_schedule(kLesson, [] {
    JobQueue jobs;
    Sent sent;
    Watched report("disk is full");
    report.send(jobs, sent);
    lab::check(sent.empty(),
               "send_later() sent the report itself instead of leaving that to a worker");
    lab::thread worker("worker", [&] { report.check_and_run(jobs.pop()); });
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
    Watched first("disk is full");
    Watched second("disk is fine");
    lab::thread worker("worker", [&] {
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

}  // namespace
}  // namespace worker_pool
