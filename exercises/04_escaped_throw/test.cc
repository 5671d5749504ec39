#include <cstddef>
#include <expected>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson(
    "04_escaped_throw",
    "a job threw, and no code between it and the next job turned the exception into a report. If "
    "the "
    "exception leaves the thread, std::terminate ends the program; if it only leaves the loop, the "
    "worker exits. Either way, one bad job costs every job behind it.");

struct Failure {
  std::string id{};
  std::string error{};
};

Job throws(const std::string& id) {
  return {.id = id, .work = [id]() -> JobResult {
            lab::note("runs " + id + ", which throws std::runtime_error(\"disk is full\")");
            throw std::runtime_error("disk is full");
          }};
}

// A std::exception, but not a std::runtime_error.
Job throws_bad_call(const std::string& id) {
  return {.id = id, .work = [id]() -> JobResult {
            lab::note("runs " + id + ", which throws std::invalid_argument(\"no such page\")");
            throw std::invalid_argument("no such page");
          }};
}

Job throws_a_number(const std::string& id) {
  return {.id = id, .work = [id]() -> JobResult {
            lab::note("runs " + id + ", which throws 42");
            throw 42;
          }};
}

Job fails(const std::string& id) {
  return {.id = id, .work = [id]() -> JobResult {
            lab::note("runs " + id + ", which returns an error");
            return std::unexpected("no such file");
          }};
}

Job succeeds(const std::string& id, bool& done) {
  return {.id = id, .work = [id, &done]() -> JobResult {
            lab::note("runs " + id);
            done = true;
            return {};
          }};
}

// Runs these jobs on a worker with its own thread, and returns the worker's reports.
std::vector<Failure> reports_on(std::vector<Job> jobs) {
  std::vector<Failure> reports;
  Worker worker([&reports](const std::string& id, const std::string& error) {
    lab::note("reports " + id + ": " + error);
    reports.push_back({.id = id, .error = error});
  });
  lab::thread thread("worker", [&worker] { worker.run(); });
  for (Job& job : jobs) worker.submit(std::move(job));
  worker.close();
  thread.join();
  return reports;
}

// Fails the schedule unless exactly one report names the job and contains `error`.
void check_reported_once(const std::vector<Failure>& reports, const std::string& id,
                         const std::string& error) {
  std::size_t count = 0;
  for (const Failure& report : reports) {
    if (report.id != id) continue;
    ++count;
    lab::check(report.error.find(error) != std::string::npos,
               "the report on " + id + " says \"" + report.error + "\"; wanted: \"" + error + "\"");
  }
  lab::check(count == 1,
             id + " failed, but " + std::to_string(count) + " reports name it; wanted: exactly 1");
}

TEST(EscapedThrow, JobThatThrowsIsReportedAndTheNextOneIsDone) {
  expect_every_schedule(kLesson, [] {
    bool done = false;
    const auto reports = reports_on({throws("job 1"), succeeds("job 2", done)});
    lab::check(done, "job 1 threw; job 2 was next in the queue, but the worker never ran it");
    check_reported_once(reports, "job 1", "disk is full");
    lab::check(reports.size() == 1, "1 job failed, but there are " +
                                        std::to_string(reports.size()) + " reports; wanted: 1");
  });
}

TEST(EscapedThrow, WhatIsThrownNeedNotBeAStdException) {
  expect_every_schedule(kLesson, [] {
    bool done = false;
    const auto reports = reports_on({throws_a_number("job 1"), succeeds("job 2", done)});
    lab::check(done, "job 1 threw 42; job 2 was next in the queue, but the worker never ran it");
    check_reported_once(reports, "job 1", "");
  });
}

TEST(EscapedThrow, JobThatReturnsAnErrorIsReportedAsBefore) {
  expect_every_schedule(kLesson, [] {
    const auto reports = reports_on({fails("job 1"), throws_bad_call("job 2")});
    check_reported_once(reports, "job 1", "no such file");
    check_reported_once(reports, "job 2", "no such page");
  });
}

}  // namespace
}  // namespace worker_pool
