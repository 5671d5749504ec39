#include <gtest/gtest.h>

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
    "which still refers to them. A job outlives the function that makes it, so it has to own what "
    "it works with.");

using Sent = std::vector<std::string>;  // the texts, in the order in which they were sent

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

// A report and its connection, watched but not owned once they were handed to send_later().
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
    lab::note("is back from send_later()");
  }

  // Does the job, unless it would use what does not exist any more.
  void check_and_do(const Job& job) const {
    lab::note("takes the job for \"" + text_ + "\"");
    lab::check(
        !report_.expired(),
        "the report that was handed over is gone before its job is done: the job refers to it, "
        "or has a copy of it");
    lab::check(!connection_.expired(),
               "the job is about to use the connection, which has been destroyed already");
    job();
  }

  void check_gone() const {
    lab::check(report_.expired(), "\"" + text_ +
                                      "\" has been sent and its job is gone, but the "
                                      "report is still kept somewhere");
    lab::check(connection_.expired(), "\"" + text_ +
                                          "\" has been sent and its job is gone, but "
                                          "the connection is still kept somewhere");
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
               "send_later() has sent the report itself instead of leaving it to a "
               "worker");
    lab::thread worker("worker", [&] { report.check_and_do(jobs.pop()); });
    worker.join();
    lab::check(sent == Sent{"disk is full"}, "the job is done, but the report was not sent once");
    report.check_gone();
  });
}

TEST(DanglingCapture, EachJobHasItsOwnReport) {
  expect_every_schedule(kLesson, [] {
    JobQueue jobs;
    Sent sent;
    Watched first("disk is full");
    Watched second("disk is fine");
    lab::thread worker("worker", [&] {
      first.check_and_do(jobs.pop());
      second.check_and_do(jobs.pop());
    });
    first.send(jobs, sent);
    second.send(jobs, sent);
    worker.join();
    lab::check(sent == Sent{"disk is full", "disk is fine"},
               "both jobs are done, but not each report was sent once");
    first.check_gone();
    second.check_gone();
  });
}

}  // namespace
}  // namespace worker_pool
