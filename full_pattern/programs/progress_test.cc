#include "full_pattern/programs/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstddef>
#include <expected>
#include <functional>
#include <limits>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "testing/gate.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;

TEST(ProgressText, TellsCountRateAndTimeLeft) {
  EXPECT_EQ(progress_text(12, 150, 348ms), "12 of 150 files, 34.5/s, 5 s left");
  EXPECT_EQ(progress_text(10, 50, 1s), "10 of 50 files, 10.0/s, 4 s left");
}

TEST(ProgressText, GuessesNothingBeforeTheFirstFileIsDone) {
  EXPECT_EQ(progress_text(0, 150, 0s), "0 of 150 files");
  EXPECT_EQ(progress_text(0, 150, 1h), "0 of 150 files");
}

TEST(ProgressText, GuessesNothingWithoutAnyTime) {
  EXPECT_EQ(progress_text(12, 150, 0s), "12 of 150 files");
  EXPECT_EQ(progress_text(12, 150, -1s), "12 of 150 files");
}

TEST(ProgressText, HasNoTimeLeftWhenAllAreDone) {
  EXPECT_EQ(progress_text(150, 150, 10s), "150 of 150 files, 15.0/s");
  EXPECT_EQ(progress_text(151, 150, 10s), "150 of 150 files, 15.0/s") << "never more than all";
  EXPECT_EQ(progress_text(1, 1, 10s), "1 of 1 file, 0.1/s");
  EXPECT_EQ(progress_text(0, 0, 10s), "0 of 0 files");
}

TEST(ProgressText, RoundsTheTimeLeftUp) {
  EXPECT_EQ(progress_text(1, 2, 1ms), "1 of 2 files, 1000.0/s, 1 s left");
  EXPECT_EQ(progress_text(1, 2, 59s), "1 of 2 files, 0.0/s, 59 s left");
  EXPECT_EQ(progress_text(1, 2, 59s + 1ms), "1 of 2 files, 0.0/s, 1 min 0 s left");
  EXPECT_EQ(progress_text(1, 2, 59min + 59s), "1 of 2 files, 0.0/s, 59 min 59 s left");
  EXPECT_EQ(progress_text(1, 2, 1h - 1ms), "1 of 2 files, 0.0/s, 1 h 0 min left");
  EXPECT_EQ(progress_text(1, 2, 1h + 59min + 1s), "1 of 2 files, 0.0/s, 2 h 0 min left");
  EXPECT_EQ(progress_text(1, 3, 15h), "1 of 3 files, 0.0/s, 30 h 0 min left");
}

TEST(ProgressText, SaysAThousandHoursForAnythingLonger) {
  EXPECT_EQ(progress_text(1, 2, 1000h), "1 of 2 files, 0.0/s, 1000 h 0 min left");
  EXPECT_EQ(progress_text(1, std::numeric_limits<std::size_t>::max(), Clock::duration::max()),
            "1 of 18446744073709551615 files, 0.0/s, 1000 h 0 min left");
}

// A progress line on a terminal that records its output.
class Progress : public ::testing::Test {
 protected:
  static std::string on_screen(const std::string& text) { return "\r" + text + "\x1b[K"; }

  // Returns the output since the last call.
  std::string sent() {
    const std::string sent = screen_.str();
    screen_.str("");
    return sent;
  }

  // Creates a line and ignores its first output.
  ProgressLine& start(ProgressLine::Options options) {
    line_.emplace(screen_, options, clock_);
    (void)sent();
    return *line_;
  }

  std::string finish_one(ProgressLine& line, const JobResult& result = {}) {
    line.job_finished(1, Job{}, result);
    return sent();
  }

  std::ostringstream screen_;
  Clock::time_point now_{1h};
  const std::function<Clock::time_point()> clock_ = [this] { return now_; };
  std::optional<ProgressLine> line_;
};

TEST_F(Progress, IsShownFromTheStart) {
  const ProgressLine line(screen_, {.total = 9}, clock_);
  EXPECT_EQ(sent(), on_screen("0 of 9 files")) << "the first file may take long";
}

TEST_F(Progress, IsWrittenTenTimesASecondAtMost) {
  ProgressLine& line = start({.total = 9});
  EXPECT_EQ(finish_one(line), "") << "no time has passed yet";
  now_ += 99ms;
  EXPECT_EQ(finish_one(line), "");
  now_ += 1ms;
  EXPECT_EQ(finish_one(line), on_screen("3 of 9 files, 30.0/s, 1 s left"));
  now_ += 99ms;
  EXPECT_EQ(finish_one(line), "") << "the next interval begins with the last line";
  now_ += 1ms;
  EXPECT_EQ(finish_one(line), on_screen("5 of 9 files, 25.0/s, 1 s left"));
}

TEST_F(Progress, ShowsTheLastJobInAnyCase) {
  ProgressLine& line = start({.total = 2});
  now_ += 1ms;
  EXPECT_EQ(finish_one(line), "");
  EXPECT_EQ(finish_one(line), on_screen("2 of 2 files, 2000.0/s"));
}

TEST_F(Progress, CountsJobsThatFailed) {
  ProgressLine& line = start({.total = 2});
  (void)finish_one(line, std::unexpected(JobError{}));
  EXPECT_EQ(finish_one(line, std::unexpected(ended(CancelReason::kDeadlineExceeded))),
            on_screen("2 of 2 files"));
}

TEST_F(Progress, IsErasedForGood) {
  ProgressLine& line = start({.total = 2});
  now_ += 1s;
  EXPECT_EQ(finish_one(line), on_screen("1 of 2 files, 1.0/s, 1 s left"));
  line.erase();
  EXPECT_EQ(sent(), on_screen(""));
  line.erase();
  EXPECT_EQ(sent(), "") << "there was nothing left to erase";
  now_ += 1s;
  EXPECT_EQ(finish_one(line), "") << "a worker that was abandoned finishes late";
}

TEST_F(Progress, MakesRoomForOtherLines) {
  ProgressLine& line = start({.total = 2});
  const auto print = [this] { screen_ << "text\n"; };
  now_ += 1s;
  line.make_room(print);
  EXPECT_EQ(sent(), on_screen("") + "text\n" + on_screen("0 of 2 files"));
  line.erase();
  (void)sent();
  line.make_room(print);
  EXPECT_EQ(sent(), "text\n") << "nothing is left to make room for";
}

TEST_F(Progress, StaysOnOneLineOfANarrowTerminal) {
  EXPECT_EQ(finish_one(start({.total = 1, .columns = 12})), on_screen("1 of 1 file"));
  EXPECT_EQ(finish_one(start({.total = 1, .columns = 11})), on_screen("1 of 1 fil"));
  EXPECT_EQ(finish_one(start({.total = 1, .columns = 0})), on_screen(""));
}

TEST_F(Progress, CountsJobsOfManyWorkersAtOnce) {
  const Watchdog watchdog;
  ProgressLine& line = start({.total = 400});
  Gate all_ready(watchdog, "all workers have started");
  {
    std::vector<std::jthread> workers;
    for (int id = 1; id <= 4; ++id) {
      workers.push_back(watchdog.thread("worker: finishes jobs", [&line, &all_ready, id] {
        all_ready.wait();
        for (int i = 0; i < 100; ++i) line.job_finished(id, Job{}, {});
      }));
    }
    all_ready.await_arrivals(4);
    all_ready.open();
  }
  EXPECT_EQ(sent(), on_screen("400 of 400 files"));
}

TEST_F(Progress, MayBeErasedWhileWorkersFinish) {
  const Watchdog watchdog;
  ProgressLine& line = start({.total = 1});  // so that each job writes a line
  Gate both_ready(watchdog, "the worker has started");
  {
    const auto worker = watchdog.thread("worker: finishes jobs", [&] {
      both_ready.wait();
      for (int i = 0; i < 100; ++i) line.job_finished(1, Job{}, {});
    });
    both_ready.await_arrivals(1);
    both_ready.open();
    line.erase();
  }
  EXPECT_THAT(sent(), EndsWith(on_screen(""))) << "something was written after the line was erased";
}

// Output that shares the terminal with other output must be written in one piece.
TEST_F(Progress, IsHandedOverInOnePieceAndAtOnce) {
  struct Pieces : std::stringbuf {
    std::streamsize xsputn(const char* text, std::streamsize size) override {
      pieces.emplace_back(text, static_cast<std::size_t>(size));
      return size;
    }
    int sync() override {
      pieces.emplace_back("flush");
      return 0;
    }
    std::vector<std::string> pieces;
  };
  Pieces pieces;
  std::ostream out(&pieces);
  ProgressLine line(out, {.total = 1}, clock_);
  line.job_finished(1, Job{}, {});
  line.erase();
  EXPECT_EQ(pieces.pieces,
            std::vector<std::string>({on_screen("0 of 1 file"), "flush", on_screen("1 of 1 file"),
                                      "flush", on_screen(""), "flush"}));
}

}  // namespace
}  // namespace worker_pool
