// Stage 2: the worker.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <expected>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace your_pool {
namespace {

const LessonStage kWorkerStage("2 of 4: the worker");

constexpr Lesson kWorkerLesson(
    "25_your_pool",
    "stage 2 is not finished. The verdict above says what the worker promised and did not do. The "
    "channel of stage 1 has passed its own tests. Stage 3, the pool, opens when stage 2 is green.");

// Of the course's own jobs, the payload is no string.
using Payload = decltype(Job::payload);

Payload payload_of(const std::string& id) {
  Payload payload;
  for (const char c : "of " + id) payload.push_back(static_cast<Payload::value_type>(c));
  return payload;
}

Job job_named(const std::string& id) { return Job{.id = id, .payload = payload_of(id)}; }

void expect_payload(const Job& job) {
  if (job.payload != payload_of(job.id)) fail("job " + job.id + " has lost its payload");
}

// What the worker or the pool reports: "a", or "b: the error of job b".
class Log {
 public:
  JobFinished finished() {
    return [this](const Job& job, const JobResult& result) {
      expect_payload(job);
      add(result ? job.id : job.id + ": " + result.error());
    };
  }
  void add(const std::string& line) {
    const std::lock_guard lock(mutex_);
    lines_.push_back(line);
    changed_.notify_all();
  }
  void wait_for(std::size_t lines) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return lines_.size() >= lines; });
  }
  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }
  std::size_t count(const std::string& line) {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count(lines_.begin(), lines_.end(), line));
  }
  // Lines that begin with this job's id.
  std::size_t count_of(const std::string& id) {
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(std::count_if(
        lines_.begin(), lines_.end(),
        [&](const std::string& it) { return it == id || it.starts_with(id + ": "); }));
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> lines_;  // guarded by mutex_
};

JobResult succeed(const Job&, std::stop_token) { return {}; }

// Sleeps until the token stops it. Without a stop request, it sleeps forever.
JobResult sleep_until_stopped(const Job&, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any never_notified;
  std::unique_lock lock(mutex);
  never_notified.wait(lock, stop, [] { return false; });
  return std::unexpected("stopped");
}

// Threads that call meet() wait for each other.
class Rendezvous {
 public:
  explicit Rendezvous(int threads) : missing_(threads) {}
  void meet() {
    std::unique_lock lock(mutex_);
    if (--missing_ == 0) all_here_.notify_all();
    all_here_.wait(lock, [this] { return missing_ <= 0; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable all_here_;
  int missing_;  // guarded by mutex_
};

using Jobs = Channel<Job>;

void expect_sent(Jobs& jobs, const std::string& id) {
  if (jobs.send(job_named(id)) != SendStatus::kSent) fail("send() refused job " + id);
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : ", ") + line;
  return text.empty() ? "nothing" : text;
}

void expect_lines(Log& log, const std::vector<std::string>& expected) {
  const std::vector<std::string> lines = log.lines();
  if (lines != expected) fail("expected " + joined(expected) + ", but there was " + joined(lines));
}

TEST(Worker, HandlesEachJobInOrderUntilTheChannelHasEnded) {
  const auto scenario = [] {
    Jobs jobs(1);
    Log log;
    const JobHandler handler = [&](const Job& job, std::stop_token) -> JobResult {
      expect_payload(job);
      log.add("runs " + job.id);
      return {};
    };
    Thread worker([&] { run_worker(jobs, handler, log.finished(), {}); });
    expect_sent(jobs, "a");
    expect_sent(jobs, "b");
    jobs.close();
    worker.join();
    expect_lines(log, {"runs a", "a", "runs b", "b"});
  };
  expect_every_schedule(kWorkerLesson, scenario, kTwoThreads);
}

// Runs the worker on this thread with three jobs, of which "b" fails.
void expect_reports(const JobHandler& handler, const std::string& b) {
  Jobs jobs(3);
  Log log;
  for (const char* const id : {"a", "b", "c"}) expect_sent(jobs, id);
  jobs.close();
  run_worker(jobs, handler, log.finished(), {});
  expect_lines(log, {"a", b, "c"});
}

TEST(Worker, ReportsTheErrorOfAJobAndGoesOn) {
  const auto scenario = [] {
    expect_reports(
        [](const Job& job, std::stop_token) -> JobResult {
          if (job.id == "b") return std::unexpected("no such file");
          return {};
        },
        "b: no such file");
  };
  expect_every_schedule(kWorkerLesson, scenario, kOneThread);
}

// Derives from no other class of std.
struct OutOfPaper : std::exception {
  const char* what() const noexcept override { return "out of paper"; }
};

TEST(Worker, ReportsTheTextOfAnExceptionAndGoesOn) {
  const auto scenario = [] {
    const auto throws = [](const auto& error) -> JobHandler {
      return [error](const Job& job, std::stop_token) -> JobResult {
        if (job.id == "b") throw error;
        return {};
      };
    };
    expect_reports(throws(std::runtime_error("disk full")), "b: disk full");
    expect_reports(throws(std::out_of_range("no such index")), "b: no such index");
    expect_reports(throws(std::bad_alloc()), std::string("b: ") + std::bad_alloc().what());
    expect_reports(throws(OutOfPaper()), "b: out of paper");
    expect_reports(throws(std::runtime_error("")), "b: ");
  };
  expect_every_schedule(kWorkerLesson, scenario, kOneThread);
}

TEST(Worker, SurvivesWhatIsNoStdException) {
  const auto scenario = [] {
    Jobs jobs(2);
    Log log;
    expect_sent(jobs, "a");
    expect_sent(jobs, "b");
    jobs.close();
    const JobHandler handler = [](const Job& job, std::stop_token) -> JobResult {
      if (job.id == "a") throw 42;
      return {};
    };
    run_worker(jobs, handler, log.finished(), {});
    const std::vector<std::string> lines = log.lines();
    check(lines.size() == 2 && lines[0].starts_with("a: ") && lines[1] == "b",
          "job a threw an int; it was not reported as an error, or job b was not handled");
  };
  expect_every_schedule(kWorkerLesson, scenario, kOneThread);
}

TEST(Worker, DoesNotStartAJobAfterAStopRequest) {
  const auto scenario = [] {
    Jobs jobs(3);
    Log log;
    std::stop_source stop;
    const JobHandler handler = [&](const Job& job, std::stop_token) -> JobResult {
      if (job.id != "a") fail("job " + job.id + " was started after the stop request");
      stop.request_stop();
      return {};
    };
    for (const char* const id : {"a", "b", "c"}) expect_sent(jobs, id);
    jobs.close();
    run_worker(jobs, handler, log.finished(), stop.get_token());
    const std::vector<std::string> lines = log.lines();
    if (!(lines.size() == 3 && lines[0] == "a" && lines[1].starts_with("b: ") &&
          lines[2].starts_with("c: "))) {
      fail(
          "job a succeeded, then a stop was requested: jobs b and c must each be reported as "
          "an error, but there was " +
          joined(lines));
    }
  };
  expect_every_schedule(kWorkerLesson, scenario, kOneThread);
}

TEST(Worker, IsNotEndedByAStopRequest) {
  const auto scenario = [] {
    Jobs jobs(1);
    Log log;
    std::stop_source stop;
    Thread worker([&] { run_worker(jobs, succeed, log.finished(), stop.get_token()); });
    stop.request_stop();
    expect_sent(jobs, "a");
    expect_sent(jobs, "b");
    jobs.close();
    worker.join();
    if (!(log.count_of("a") == 1 && log.count_of("b") == 1)) {
      fail("jobs a and b must be reported once each, but there was " + joined(log.lines()));
    }
    check(log.count("a") == 0 && log.count("b") == 0,
          "a job was sent after the stop request, and the worker started it");
  };
  expect_every_schedule(kWorkerLesson, scenario, kTwoThreads);
}

TEST(Worker, GivesTheTokenToTheHandler) {
  const auto scenario = [] {
    Jobs jobs(1);
    Log log;
    std::stop_source stop;
    Thread worker([&] { run_worker(jobs, sleep_until_stopped, log.finished(), stop.get_token()); });
    expect_sent(jobs, "a");
    std::this_thread::sleep_for(1h);  // until the handler sleeps
    stop.request_stop();
    jobs.close();
    worker.join();
    expect_lines(log, {"a: stopped"});
  };
  expect_every_schedule(kWorkerLesson, scenario, kExact);
}

TEST(Worker, RunsAtTheSameTimeAsAnother) {
  const auto scenario = [] {
    Jobs jobs(2);
    Log log;
    Rendezvous both(2);
    const JobHandler handler = [&](const Job&, std::stop_token) -> JobResult {
      both.meet();
      return {};
    };
    expect_sent(jobs, "a");
    expect_sent(jobs, "b");
    jobs.close();
    Thread first([&] { run_worker(jobs, handler, log.finished(), {}); });
    Thread second([&] { run_worker(jobs, handler, log.finished(), {}); });
    first.join();
    second.join();
    check(log.count("a") == 1 && log.count("b") == 1, "a job was lost, or handled twice");
  };
  expect_every_schedule(kWorkerLesson, scenario, kMoreThreads);
}

TEST(Worker, ReportsAtTheSameTimeAsAnother) {
  const auto scenario = [] {
    Jobs jobs(2);
    Rendezvous both(2);
    const JobFinished finished = [&](const Job&, const JobResult&) { both.meet(); };
    expect_sent(jobs, "a");
    expect_sent(jobs, "b");
    jobs.close();
    Thread first([&] { run_worker(jobs, succeed, finished, {}); });
    Thread second([&] { run_worker(jobs, succeed, finished, {}); });
  };
  expect_every_schedule(kWorkerLesson, scenario, kExact);
}

// With a lock held during the call, or with the place of the running job still taken, this blocks.
TEST(Worker, AHandlerMaySendToItsOwnChannel) {
  const auto scenario = [] {
    Jobs jobs(1);
    Log log;
    const JobHandler handler = [&](const Job& job, std::stop_token) -> JobResult {
      if (job.id == "a") expect_sent(jobs, "b");
      return {};
    };
    const JobFinished finished = [&](const Job& job, const JobResult&) {
      log.add(job.id);
      if (job.id == "b") jobs.close();
    };
    expect_sent(jobs, "a");
    run_worker(jobs, handler, finished, {});
    expect_lines(log, {"a", "b"});
  };
  expect_every_schedule(kWorkerLesson, scenario, kOneThread);
}

TEST(Worker, KeepsNothingAfterTheEnd) {
  const auto scenario = [] {
    Jobs jobs(1);
    auto state = std::make_shared<int>(0);
    const std::weak_ptr<int> watch = state;
    {
      const JobHandler handler = [state](const Job&, std::stop_token) -> JobResult { return {}; };
      const JobFinished finished = [state](const Job&, const JobResult&) {};
      state.reset();
      expect_sent(jobs, "a");
      jobs.close();
      run_worker(jobs, handler, finished, {});
    }
    check(watch.expired(), "the worker has exited, but what its handler owns still exists");
  };
  expect_every_schedule(kWorkerLesson, scenario, kOneThread);
}

}  // namespace
}  // namespace your_pool
