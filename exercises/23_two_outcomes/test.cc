#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <limits>
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
    "23_two_outcomes",
    "one call checked the other call's flag and found it false; then both set their own flag. Each "
    "flag is atomic, but the check and the change are two steps. So the job was canceled and it "
    "finished: the caller is told both, starts the job again, and its work is done twice.");

using Seen = std::optional<Outcome>;

std::string text_of(const Seen& outcome) {
  if (!outcome) return "no outcome";
  const std::string value = std::to_string(outcome->value);
  if (!outcome->cancelled) return "\"finished: " + value + "\"";
  return outcome->value == 0 ? "\"cancelled\"" : "\"cancelled\" with the value " + value;
}

bool are_equal(const Seen& a, const Seen& b) {
  if (!a || !b) return a.has_value() == b.has_value();
  return a->cancelled == b->cancelled && a->value == b->value;
}

void check_seen(const Seen& seen, const Seen& wanted, const std::string& where) {
  lab::check(are_equal(seen, wanted), where + text_of(seen) + "; wanted: " + text_of(wanted));
}

constexpr Outcome kCancelled{.cancelled = true};
constexpr auto kRelaxed = std::memory_order_relaxed;  // so that the test itself orders nothing

// A ticket that counts its reports.
class Job {
 public:
  Ticket ticket{[this](const Outcome& outcome) {
    lab::note("reports " + text_of(outcome));
    (outcome.cancelled ? cancelled_ : finished_).fetch_add(1, kRelaxed);
    value_.store(outcome.value, kRelaxed);
  }};

  // After all threads have been joined.
  void check_reports(const Outcome& wanted) const {
    const int finished = finished_;
    const int cancelled = cancelled_;
    lab::check(finished + cancelled == 1, "the outcome was reported " +
                                              std::to_string(finished + cancelled) +
                                              " times; wanted: once");
    const Outcome reported{.cancelled = cancelled == 1, .value = value_};
    check_seen(reported, wanted, "the report said ");
  }

 private:
  lab::atomic<int> finished_ = 0;
  lab::atomic<int> cancelled_ = 0;
  lab::atomic<int> value_ = 0;
};

bool finish(Ticket& ticket, int value) {
  const bool decided = ticket.finish(value);
  lab::note(decided ? "finish() returned true" : "finish() returned false");
  return decided;
}

bool cancel(Ticket& ticket) {
  const bool decided = ticket.cancel();
  lab::note(decided ? "cancel() returned true" : "cancel() returned false");
  return decided;
}

void check_one(int decided) {
  lab::check(decided <= 1, "two calls returned true: the job has two outcomes");
  lab::check(decided == 1, "no call returned true: the job has no outcome");
}

TEST(TwoOutcomes, FinishAndCancelAtTheSameTime) {
  expect_every_schedule(kLesson, [] {
    Job job;
    bool finished = false;
    lab::thread worker("worker", [&] { finished = finish(job.ticket, 7); });
    const bool cancelled = cancel(job.ticket);
    worker.join();
    check_one(int{finished} + int{cancelled});
    const Outcome outcome = cancelled ? kCancelled : Outcome{.value = 7};
    check_seen(job.ticket.outcome(), outcome, "outcome() returned ");
    job.check_reports(outcome);
  });
}

// Three threads, of which each knows the outcome as soon as its own call has returned.
TEST(TwoOutcomes, TheOutcomeIsKnownWhenACallHasReturned) {
  const auto scenario = [] {
    Job job;
    bool finished = false;
    bool cancelled = false;
    Seen after_finish;
    Seen after_cancel;
    lab::thread worker("worker", [&] {
      finished = finish(job.ticket, 7);
      after_finish = job.ticket.outcome();
    });
    lab::thread other("other", [&] {
      cancelled = cancel(job.ticket);
      after_cancel = job.ticket.outcome();
    });
    const bool cancelled_here = cancel(job.ticket);
    const Seen after = job.ticket.outcome();
    worker.join();
    other.join();
    check_one(int{finished} + int{cancelled} + int{cancelled_here});
    const Outcome outcome = finished ? Outcome{.value = 7} : kCancelled;
    check_seen(after_finish, outcome, "finish() had returned, and then outcome() returned ");
    check_seen(after_cancel, outcome, "cancel() had returned, and then outcome() returned ");
    check_seen(after, outcome, "cancel() had returned, and then outcome() returned ");
    job.check_reports(outcome);
  };
  expect_every_schedule(kLesson, scenario, {.max_preemptions = 1, .random_schedules = 100});
}

// A thread that only looks, such as a status page.
void check_looks(const Seen& first, const Seen& second, const Outcome& outcome) {
  if (first) check_seen(first, outcome, "during the calls, outcome() returned ");
  if (first) lab::check(second.has_value(), "outcome() returned an outcome, and then none");
  if (second) check_seen(second, outcome, "during the calls, outcome() returned ");
}

TEST(TwoOutcomes, WhatAThreadHasSeenDoesNotChange) {
  const auto scenario = [] {
    Job job;
    Seen first;
    Seen second;
    lab::thread worker("worker", [&] { finish(job.ticket, 7); });
    lab::thread status("status", [&] {
      first = job.ticket.outcome();
      second = job.ticket.outcome();
    });
    const bool cancelled = cancel(job.ticket);
    worker.join();
    status.join();
    check_looks(first, second, cancelled ? kCancelled : Outcome{.value = 7});
  };
  expect_every_schedule(kLesson, scenario);
}

// With stale reads, a load may return an older value than the newest one, unless a memory order
// forbids it. On a machine with several processors that happens.
const lab::Options kStaleReads{.max_preemptions = 2, .random_schedules = 0, .stale_reads = true};

TEST(TwoOutcomes, TheOutcomeHasTheValueOnMachinesThatReorderMemory) {
  const auto scenario = [] {
    Job job;
    lab::thread worker("worker", [&] { finish(job.ticket, 7); });
    const Seen first = job.ticket.outcome();
    const Seen second = job.ticket.outcome();
    check_looks(first, second, {.value = 7});
    worker.join();
    check_seen(job.ticket.outcome(), Outcome{.value = 7}, "outcome() returned ");
  };
  expect_every_schedule(kLesson, scenario, kStaleReads);
}

TEST(TwoOutcomes, OneCallDecidesOnMachinesThatReorderMemory) {
  const auto scenario = [] {
    Job job;
    bool finished = false;
    lab::thread worker("worker", [&] { finished = finish(job.ticket, 7); });
    const bool cancelled = cancel(job.ticket);
    const Seen after = job.ticket.outcome();
    check_seen(after, cancelled ? kCancelled : Outcome{.value = 7},
               "cancel() had returned, and then outcome() returned ");
    worker.join();
    check_one(int{finished} + int{cancelled});
  };
  expect_every_schedule(kLesson, scenario, kStaleReads);
}

// The other tests are simpler: fewer schedules are enough. No thread is delayed for as long as the
// report below takes.
const lab::Options kExactTimes{
    .max_preemptions = 1, .early_timeouts = false, .random_schedules = 20};

TEST(TwoOutcomes, NoCallWaitsForTheReportOfAnother) {
  const auto scenario = [] {
    lab::atomic<int> reports = 0;
    Ticket ticket([&](const Outcome&) {
      ++reports;
      lab::this_thread::sleep_for(1h);
    });
    const auto check_time = [](bool decided, const char* call) {
      const auto wanted = decided ? 1h : 0h;
      lab::check(lab::steady_clock::now().time_since_epoch() == wanted,
                 std::string(call) + (decided ? " returned true, but not after its own report"
                                              : " returned false, but did not return at once"));
    };
    lab::thread worker("worker", [&] { check_time(finish(ticket, 7), "finish()"); });
    lab::thread status("status", [&] {
      (void)ticket.outcome();
      check_time(false, "outcome()");
    });
    check_time(cancel(ticket), "cancel()");
    worker.join();
    status.join();
    lab::check(reports == 1, "the outcome was not reported once");
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

TEST(TwoOutcomes, AReportMayUseTheTicket) {
  const auto scenario = [] {
    for (const bool cancels : {false, true}) {
      const Outcome outcome = cancels ? kCancelled : Outcome{.value = 7};
      Ticket* its_ticket = nullptr;
      int reports = 0;
      Ticket ticket([&](const Outcome& reported) {
        ++reports;
        check_seen(reported, outcome, "the report said ");
        check_seen(its_ticket->outcome(), outcome, "in the report, outcome() returned ");
        lab::check(!cancel(*its_ticket), "a job was canceled while its outcome was reported");
        lab::thread other("other", [&] {
          lab::check(!cancel(*its_ticket), "a job was canceled while its outcome was reported");
          check_seen(its_ticket->outcome(), outcome, "during a report, outcome() returned ");
        });
        other.join();
      });
      its_ticket = &ticket;
      lab::check(cancels ? cancel(ticket) : finish(ticket, 7), "the first call returned false");
      lab::check(reports == 1, "the outcome was not reported once");
    }
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

TEST(TwoOutcomes, TheFirstCallDecides) {
  const auto scenario = [] {
    std::optional<Job> job;
    constexpr int kMost = std::numeric_limits<int>::max();
    for (const int value : {7, 0, 1, -1, 2, -kMost - 1, kMost, 3}) {
      job.emplace();
      check_seen(job->ticket.outcome(), std::nullopt, "before any call, outcome() returned ");
      lab::check(finish(job->ticket, value), "finish() returned false, but it was the first call");
      for (int i = 0; i < 2; ++i) {
        lab::check(!cancel(job->ticket), "cancel() returned true, but the job had finished");
        check_seen(job->ticket.outcome(), Outcome{.value = value}, "outcome() returned ");
      }
      job->check_reports({.value = value});

      job.emplace();
      Job other;
      lab::check(cancel(job->ticket), "cancel() returned false, but it was the first call");
      check_seen(other.ticket.outcome(), std::nullopt, "of another ticket, outcome() returned ");
      lab::check(!cancel(job->ticket), "a second cancel() returned true");
      check_seen(job->ticket.outcome(), kCancelled, "outcome() returned ");
      lab::check(!finish(job->ticket, value), "finish() returned true, but the job was canceled");
      lab::check(!cancel(job->ticket), "a third cancel() returned true");
      check_seen(job->ticket.outcome(), kCancelled, "outcome() returned ");
      job->check_reports(kCancelled);
    }
  };
  expect_every_schedule(kLesson, scenario, {.max_preemptions = 0, .random_schedules = 0});
}

// An outcome that is encoded as an int would be taken for the value of some job.
TEST(TwoOutcomes, AnyIntMayBeAValue) {
  const auto scenario = [] {
    const auto check_value = [](int value) {
      Ticket ticket([&](const Outcome& reported) {
        check_seen(reported, Outcome{.value = value}, "the report said ");
      });
      check_seen(ticket.outcome(), std::nullopt, "before any call, outcome() returned ");
      lab::check(ticket.finish(value), "finish() returned false, but it was the first call");
      check_seen(ticket.outcome(), Outcome{.value = value}, "outcome() returned ");
    };
    constexpr int kMost = std::numeric_limits<int>::max();
    constexpr int kLeast = std::numeric_limits<int>::min();
    for (int i = 0; i <= 1'025; ++i) {
      for (const int value : {i, -i, kMost - i, kLeast + i}) check_value(value);
    }
    for (int bit = 11; bit < 31; ++bit) {
      for (const int value : {1 << bit, -(1 << bit), (1 << bit) - 1, ~(1 << bit)}) {
        check_value(value);
      }
    }
    // Numbers that people choose because "no job returns this".
    for (int ones = 1'111; ones < kMost / 10; ones = 10 * ones + 1) {
      for (int digit = 1; digit <= 9; ++digit) {
        for (const int value : {digit * ones, -digit * ones}) check_value(value);
      }
      const int power = 9 * ones + 1;  // of ten
      for (const int value : {power, -power, power + 1, -power - 1}) check_value(value);
    }
    for (const int value : {12'345, 123'456, 1'234'567, 12'345'678, 123'456'789, 1'234'567'890,
                            54'321, 654'321, 987'654'321, 1'000'000'007}) {
      for (const int magic : {value, -value}) check_value(magic);
    }
    for (const std::int64_t word : std::initializer_list<std::int64_t>{
             0xDEADBEEF, 0xDEADC0DE, 0xDEADDEAD, 0xBAADF00D, 0x8BADF00D, 0xBADC0FFE, 0xABADCAFE,
             0xCAFEBABE, 0xCAFED00D, 0xFEEDFACE, 0xFEEDBEEF, 0xC0FFEE, 0xCDCDCDCD, 0xCCCCCCCC,
             0xAAAAAAAA, 0x55555555, 0x12345678}) {
      for (const std::int64_t magic : {word, ~word, word & kMost}) {
        check_value(static_cast<int>(magic));
      }
    }
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0,
                         .max_spurious_wakeups = 0,
                         .max_steps = 100'000,
                         .random_schedules = 0});
}

// A compare_exchange_weak() may fail for no reason, and more than once.
TEST(TwoOutcomes, TheFirstCallDecidesWhateverFailsForNoReason) {
  const auto scenario = [] {
    for (const bool cancels : {false, true}) {
      Job job;
      lab::check(cancels ? cancel(job.ticket) : finish(job.ticket, 7),
                 "the first call returned false");
      check_seen(job.ticket.outcome(), cancels ? kCancelled : Outcome{.value = 7},
                 "outcome() returned ");
    }
  };
  expect_every_schedule(kLesson, scenario,
                        {.max_preemptions = 0, .max_spurious_wakeups = 4, .random_schedules = 0});
}

// A waiting thread may be notified by the report, and destroy the ticket once both calls returned.
TEST(TwoOutcomes, ATicketIsNotUsedAfterBothCallsHaveReturned) {
  const auto scenario = [] {
    auto job = std::make_shared<Job>();
    lab::thread worker("worker", [job] { finish(job->ticket, 7); });
    lab::thread other("other", [job] { cancel(job->ticket); });
    job.reset();
    worker.join();
    other.join();
  };
  expect_every_schedule(kLesson, scenario, kExactTimes);
}

}  // namespace
}  // namespace worker_pool
