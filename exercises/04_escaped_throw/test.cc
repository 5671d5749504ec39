#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <expected>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "exercises/harness/lesson.h"
#include "exercises/harness/probes.h"

#include EXERCISE_FILE

namespace worker_pool {
namespace {

constexpr Lesson kLesson(
    "04_escaped_throw",
    "a job threw, and no code between it and the next job turned the exception into a report. If "
    "the exception leaves the thread, std::terminate ends the program; if it only leaves the loop, "
    "the worker exits. Either way, one bad job costs every job behind it.");

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

// Both are so long that a std::string keeps them on the heap, where the lab sees a use after free.
const std::string kLongId("job 1 of the\0nightly backup", 27);
const std::string kLongError = "no such file: /backup/pages/7";

Job succeeds(const std::string& id, bool& done) {
  return {.id = id, .work = [id, &done]() -> JobResult {
            lab::note("runs " + id);
            done = true;
            return {};
          }};
}

Job does(std::function<void()> body) {
  return {.id = "", .work = [body = std::move(body)] { return body(), JobResult(); }};
}

// Every body has the same type here, which compiles faster.
lab::thread start_thread(const std::string& name, std::function<void()> body) {
  return lab::thread(name, std::move(body));
}

// A copy. The lab sees what this function reads, but not what std::string's own functions read.
std::string read(const std::string& text) {
  std::string copy;
  for (const char letter : text) copy += letter;
  return copy;
}

// Runs these jobs on a worker with its own thread, and returns the worker's reports.
std::vector<Failure> reports_on(std::vector<Job> jobs) {
  std::vector<Failure> reports;
  Worker worker([&reports](const std::string& id, const std::string& error) {
    reports.push_back({.id = read(id), .error = read(error)});
    lab::note("reports " + id + ": " + error);
  });
  lab::thread thread = start_thread("worker", [&worker] { worker.run(); });
  for (Job& job : jobs) worker.submit(std::move(job));
  worker.close();
  thread.join();
  return reports;
}

// For a message: a long text is cut off, and a null character is shown as \0.
std::string quoted(std::string text) {
  for (std::size_t at = 0; (at = text.find('\0', at)) != std::string::npos;) {
    text.replace(at, 1, "\\0");
  }
  if (text.size() <= 100) return "\"" + text + "\"";
  return "\"" + text.substr(0, 40) + "...\" (" + std::to_string(text.size()) + " characters)";
}

// Fails the schedule unless exactly one report names the job and contains `error`, or is `error`.
void check_reported_once(const std::vector<Failure>& reports, const std::string& id,
                         const std::string& error, bool is_exact = false) {
  std::size_t count = 0;
  for (const Failure& report : reports) {
    if (report.id != id) continue;
    ++count;
    const bool is_right = is_exact ? report.error == error : report.error.contains(error);
    lab::check(is_right, "the report on " + quoted(id) + " says " + quoted(report.error) +
                             "; wanted: " + (is_exact ? "exactly " : "") + quoted(error));
  }
  lab::check(count == 1, quoted(id) + " failed, but " + std::to_string(count) +
                             " reports name it; wanted: exactly 1");
}

void check_one_report(const std::vector<Failure>& reports) {
  lab::check(reports.size() == 1, std::to_string(reports.size()) + " reports on 1 job that failed");
}

TEST(EscapedThrow, JobThatThrowsIsReportedAndTheNextOneIsDone) {
  expect_every_schedule(kLesson, [] {
    bool done = false;
    const auto reports = reports_on({throws("job 1"), succeeds("job 2", done)});
    lab::check(done, "job 1 threw; job 2 was next in the queue, but the worker never ran it");
    check_reported_once(reports, "job 1", "disk is full");
    check_one_report(reports);
  });
}

// Derived from std::exception only. Its text is lost when it is destroyed.
class DiskFull : public std::exception {
 public:
  ~DiskFull() override { *static_cast<volatile char*>(text_.data()) = '?'; }
  const char* what() const noexcept override { return text_.data(); }

 private:
  std::array<char, 13> text_{"disk is full"};
};

// A std::bad_alloc with a text of its own.
struct NoPage : std::bad_alloc {
  const char* what() const noexcept override { return "no page is free"; }
};

struct Base1 : std::exception {};
struct Base2 : std::exception {};
// A handler for std::exception does not catch it, because it has two bases of this type.
struct Ambiguous : Base1, Base2 {};
struct NoBase {};

using BadAccess = std::bad_expected_access<std::string>;
// Two lines, and longer than a buffer that one would take for a text.
const std::string kLongText = "writes the pages" + std::string(9'000, '7') + "\nto the drive";
const std::string kTwoTexts("page 7\0page 8", 13);

// Throws "page 7", and the other exception nested in it.
template <class Exception>
JobResult throw_with(const Exception& nested) {
  try {
    throw nested;
  } catch (...) {
    std::throw_with_nested(std::runtime_error("page 7"));
  }
}

// A way to fail, and what the report must contain, or be if the job returns it.
struct Failing {
  const char* how;
  JobResult (*work)();
  std::string error;
  bool is_returned = false;
};

const Failing kWaysToFail[] = {
    {"throws a class derived from std::exception", [] -> JobResult { throw DiskFull(); },
     "disk is full"},
    {"throws std::invalid_argument(\"no such page\")",
     [] -> JobResult { throw std::invalid_argument("no such page"); }, "no such page"},
    {"throws std::system_error with a long text",
     [] -> JobResult { throw std::system_error(2, std::generic_category(), kLongText); },
     kLongText},
    {"throws \"page 7\", and \"disk is full\" nested in it",
     [] -> JobResult { return throw_with(std::runtime_error("disk is full")); }, "page 7"},
    {"throws \"page 7\", and 42 nested in it", [] { return throw_with(42); }, "page 7"},
    {"throws \"page 7\" with std::throw_with_nested, but nothing is nested in it",
     [] -> JobResult { std::throw_with_nested(std::runtime_error("page 7")); }, "page 7"},
    {"calls a std::function that is empty", [] { return std::function<JobResult()>()(); },
     std::bad_function_call().what()},
    {"throws std::bad_alloc", [] -> JobResult { throw std::bad_alloc(); }, ""},
    {"throws a class derived from std::bad_alloc", [] -> JobResult { throw NoPage(); },
     "no page is free"},
    {"throws 42", [] -> JobResult { throw 42; }, ""},
    {"throws std::runtime_error(\"\")", [] -> JobResult { throw std::runtime_error(""); }, ""},
    {"throws a string literal", [] -> JobResult { throw "disk is full"; }, ""},
    {"throws a std::string", [] -> JobResult { throw std::string("disk is full"); }, ""},
    {"throws nullptr", [] -> JobResult { throw nullptr; }, ""},
    {"throws std::bad_expected_access", [] -> JobResult { throw BadAccess("no such page"); },
     BadAccess("").what()},
    {"throws a struct without a base", [] -> JobResult { throw NoBase(); }, ""},
    {"throws a class with two std::exception bases", [] -> JobResult { throw Ambiguous(); }, ""},
    {"returns an error", [] -> JobResult { return std::unexpected(kLongError); }, kLongError, true},
    {"returns an error without a text", [] -> JobResult { return std::unexpected(""); }, "", true},
    {"returns two texts with a '\\0' between them",
     [] -> JobResult { return std::unexpected(kTwoTexts); }, kTwoTexts, true},
};

TEST(EscapedThrow, EachWayToFailIsReportedOnceBeforeTheNextJobRuns) {
  for (const Failing& failing : kWaysToFail) {
    const auto scenario = [&failing] {
      std::vector<Failure> reports;
      const void* worker_thread = nullptr;
      Worker worker([&](const std::string& id, const std::string& error) {
        lab::check(current_thread() == worker_thread,
                   "job 1 is reported on another thread than the worker's");
        reports.push_back({.id = read(id), .error = read(error)});
        lab::note("reports " + quoted(id) + ": " + quoted(error));
      });
      int runs = 0, copies = 0;
      bool destroyed = false, done = false;
      worker.submit({.id = kLongId,
                     .work = [&, attachment = Attachment(copies),
                              end = at_the_end([&] { destroyed = true; })] {
                       lab::note(std::string("runs job 1, which ") + failing.how);
                       ++runs;
                       return failing.work();
                     }});
      worker.submit({.id = "job 2", .work = [&, attachment = Attachment(copies)]() -> JobResult {
                       lab::note("runs job 2");
                       done = true;
                       lab::check(current_thread() == worker_thread,
                                  "job 2 runs on another thread than the worker's");
                       lab::check(std::current_exception() == nullptr,
                                  "job 2 runs inside the handler of job 1's exception");
                       lab::check(destroyed, "job 1 still exists while job 2 runs");
                       check_reported_once(reports, kLongId, failing.error, failing.is_returned);
                       return {};
                     }});
      worker.close();
      lab::thread thread = start_thread("worker", [&] {
        worker_thread = current_thread();
        worker.run();
      });
      thread.join();
      lab::check(done, "job 1 failed; job 2 was next in the queue, but the worker never ran it");
      lab::check(runs == 1, "job 1 ran " + std::to_string(runs) + " times; wanted: once");
      lab::check(copies == 0, "a job was copied; wanted: moved into the queue and out of it");
      check_one_report(reports);
    };
    expect_every_schedule(kLesson, scenario, {.max_preemptions = 1, .random_schedules = 0});
  }
}

TEST(EscapedThrow, JobIsReportedAndDestroyedBeforeTheWorkerWaitsForTheNextOne) {
  const auto scenario = [] {
    LabGate reported("job 1 is reported"), destroyed("job 1 is destroyed"), done("job 2 is");
    Worker worker([&](const std::string&, const std::string&) { reported.open(); });
    lab::thread thread = start_thread("worker", [&] { worker.run(); });
    worker.submit(does([end = at_the_end([&] { destroyed.open(); })] { throw 42; }));
    reported.wait();
    destroyed.wait();
    worker.submit(does([end = at_the_end([&] { done.open(); })] {}));
    done.wait();
    worker.close();
    thread.join();
  };
  expect_every_schedule(kLesson, scenario, {.max_preemptions = 1, .random_schedules = 0});
}

TEST(EscapedThrow, JobWithoutAFunctionIsReported) {
  const auto scenario = [] {
    bool done = false;
    Job throws_42{.id = "job 3", .work = [] -> JobResult { throw 42; }};
    const auto reports =
        reports_on({{.id = "job 1"}, throws("job 2"), throws_42, succeeds("job 4", done)});
    lab::check(done, "job 1 has no function; the worker never ran job 4");
    for (const std::string id : {"job 1", "job 3"}) check_reported_once(reports, id, "");
    lab::check(!reports.back().error.contains("disk is full"),
               "the report on job 3, which throws 42, says \"disk is full\", as that on job 2");
  };
  expect_every_schedule(kLesson, scenario, {.max_preemptions = 1, .random_schedules = 0});
}

TEST(EscapedThrow, NoLockIsHeldWhileAJobRunsIsReportedOrDestroyed) {
  const auto scenario = [] {
    LabGate end("job 4 is destroyed");
    std::string ran;
    Worker* queue = nullptr;
    const auto submit = [&](char number) { queue->submit(does([&, number] { ran += number; })); };
    Worker worker([&](const std::string& id, const std::string&) {
      lab::note("reports " + id + ", and submits job 3");
      submit('3');
    });
    queue = &worker;
    lab::thread thread = start_thread("worker", [&] { worker.run(); });
    const auto submit_last = [&] {
      lab::note("destroys job 1, which submits job 4");
      worker.submit(does([&, end = at_the_end([&] { end.open(); })] { ran += '4'; }));
    };
    worker.submit({.id = "job 1", .work = [&, end = at_the_end(submit_last)]() -> JobResult {
                     lab::note("runs job 1, which submits job 2, and throws");
                     ran += '1';
                     submit('2');
                     throw std::runtime_error("disk is full");
                   }});
    end.wait();
    worker.close();
    thread.join();
    // Job 1 may be reported before or after it is destroyed.
    lab::check(ran == "1234" || ran == "1243",
               "the jobs ran in the order " + ran + "; wanted: the oldest next");
  };
  expect_every_schedule(kLesson, scenario, {.random_schedules = 20});
}

// Job 1 submits jobs 2 and 4. In between, it has another worker submit job 3.
TEST(EscapedThrow, AJobMaySubmitToAnotherWorkerAndCloseIt) {
  const auto scenario = [] {
    Worker worker([](auto&, auto&) {}), other([](auto&, auto&) {});
    LabGate submitted("job 3 is submitted");
    std::string ran;
    const auto submit = [&](char number) { worker.submit(does([&, number] { ran += number; })); };
    lab::thread other_thread = start_thread("other worker", [&] { other.run(); });
    worker.submit(does([&] {
      ran += '1';
      submit('2');
      other.submit(does([&] {
        submit('3');
        submitted.open();
        throw 3;
      }));
      submitted.wait();
      submit('4');
      other.close();
      worker.close();
      throw 1;
    }));
    worker.run();
    other_thread.join();
    lab::check(ran == "1234", "the jobs ran in the order " + ran + "; wanted: the oldest next");
  };
  expect_every_schedule(kLesson, scenario, {.max_preemptions = 1, .random_schedules = 0});
}

TEST(EscapedThrow, EqualJobsAreEachReported) {
  const auto scenario = [] {
    constexpr int kJobs = 200;
    int reports = 0, runs = 0, destroyed = 0;
    std::uintptr_t first = 0;  // where the first job is on the stack
    Worker worker([&](const std::string& id, const std::string&) {
      lab::check(id == "nightly", "the report names " + id + "; wanted: nightly");
      ++reports;
    });
    const auto fail = [&]() -> JobResult {
      lab::check(destroyed == runs,
                 "job " + std::to_string(runs) + " still exists while the next one runs");
      if (runs++ == 0) first = stack_position();
      lab::check(first < stack_position() + 4096,
                 "after " + std::to_string(runs) + " jobs, the stack is 4 KB longer: each job " +
                     "that fails adds a call, until the stack overflows");
      throw std::runtime_error("disk is full");
    };
    for (int i = 0; i < kJobs; ++i) {
      worker.submit({.id = "nightly",
                     .work = [&fail, end = at_the_end([&] { ++destroyed; })] { return fail(); }});
    }
    worker.close();
    worker.run();
    const std::string jobs = " of 200 equal jobs that fail ";
    lab::check(runs == kJobs, std::to_string(runs) + jobs + "ran");
    lab::check(reports == kJobs, std::to_string(reports) + jobs + "were reported");
  };
  // One thread, so only one schedule.
  expect_every_schedule(kLesson, scenario, {.max_spurious_wakeups = 0, .random_schedules = 0});
}

// More jobs than std::deque keeps in one block: its ends then share memory. The first job submits
// another one while main may submit, too, and waits at a gate until main has submitted all.
TEST(EscapedThrow, JobsMayBeSubmittedWhileOneFails) {
  const auto scenario = [] {
    constexpr std::size_t kJobs = 41;
    std::size_t reports = 0, runs = 0;
    Worker worker([&](const std::string& id, const std::string&) {
      lab::check(id.empty(), "a job without an id failed, but its report names " + quoted(id));
      ++reports;
    });
    LabGate submitted("all jobs are submitted");
    const std::function<void(std::size_t)> submit = [&](std::size_t count) {
      for (std::size_t i = 0; i < count; ++i) {
        worker.submit(does([&] {
          if (++runs == 1) submit(1);
          if (runs == 1) submitted.wait();
          throw std::runtime_error("disk is full");
        }));
      }
    };
    submit(kJobs / 2);
    lab::thread thread = start_thread("worker", [&] { worker.run(); });
    submit(kJobs / 2);
    submitted.open();
    worker.close();
    thread.join();
    const std::string jobs = " of " + std::to_string(kJobs) + " jobs without an id that fail ";
    lab::check(runs == kJobs, std::to_string(runs) + jobs + "ran");
    lab::check(reports == kJobs, std::to_string(reports) + jobs + "were reported");
  };
  expect_every_schedule(kLesson, scenario, {.max_preemptions = 1, .random_schedules = 20});
}

}  // namespace
}  // namespace worker_pool
