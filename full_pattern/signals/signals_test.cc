// SIGINT, SIGTERM and SIGHUP, sent to real programs in each stage of their shutdown.
#include "full_pattern/signals/signals.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <future>
#include <iostream>
#include <memory>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>

#include "testing/child_process.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* kForeverMs = "86400000";

// A signals_child with a job that runs until let_go().
class Signals : public ::testing::Test {
 protected:
  static std::string program() {
    const char* const path = std::getenv("SIGNALS_CHILD");
    return path != nullptr ? path : "SIGNALS_CHILD-is-not-set";
  }

  ChildProcess start(const std::string& drain_ms, const std::string& cancel_ms) const {
    return ChildProcess(watchdog_, {program(), drain_ms, cancel_ms});
  }

  // Returns once the job is running.
  static void run(ChildProcess& child, const std::string& job) {
    child.write_line("submit " + job);
    child.await_line("started " + job);
  }

  static void shut_down(ChildProcess& child) {
    child.write_line("shutdown");
    child.await_line("shutting down");
  }

  void let_go() const { std::ofstream(fifo_) << "go\n"; }

  void SetUp() override {
    fifo_ = ::testing::TempDir() + "/signals_test." + std::to_string(getpid());
    std::filesystem::remove(fifo_);
    ASSERT_EQ(mkfifo(fifo_.c_str(), 0600), 0);
  }

  const Watchdog watchdog_;
  std::string fifo_;
};

// --- First signal ------------------------------------------------------------------------------

TEST_F(Signals, BeforeTheFirstJobEveryJobIsRefused) {
  ChildProcess child = start(kForeverMs, kForeverMs);
  child.await_line("ready");
  child.send_signal(SIGTERM);
  child.await_line("signal TERM 1");
  child.write_line("submit quick");
  child.await_line("refused quick");
  shut_down(child);
  child.await_line("drained");
  EXPECT_EQ(child.wait(), 0) << child.output();
}

TEST_F(Signals, WhileTheQueueIsFullWakesTheSubmitterAndFinishesWhatWasAccepted) {
  ChildProcess child = start(kForeverMs, kForeverMs);
  run(child, fifo_);
  child.write_line("submit quick");
  child.await_line("accepted quick");
  child.write_line("submit one too many");
  child.await_line("submitting one too many");
  child.await_sleep();

  child.send_signal(SIGTERM);
  child.await_line("refused one too many");
  shut_down(child);
  let_go();
  child.await_line("finished " + fifo_);
  child.await_line("finished quick");
  child.await_line("drained");
  EXPECT_EQ(child.wait(), 0) << child.output();
}

TEST_F(Signals, DuringTheDrainTheFirstOneChangesNothing) {
  ChildProcess child = start(kForeverMs, kForeverMs);
  run(child, fifo_);
  shut_down(child);
  child.send_signal(SIGINT);
  child.await_line("signal INT 1");
  let_go();
  child.await_line("finished " + fifo_);
  child.await_line("drained");
  EXPECT_EQ(child.wait(), 0) << child.output();
}

TEST_F(Signals, HangUpCountsLikeTheOthers) {
  ChildProcess child = start(kForeverMs, kForeverMs);
  run(child, "listens");
  child.send_signal(SIGHUP);
  child.await_line("signal HUP 1");
  child.send_signal(SIGHUP);
  child.await_line("signal HUP 2");
  shut_down(child);
  child.await_line("cancelled listens");
  EXPECT_EQ(child.wait(), 1) << child.output();
}

TEST_F(Signals, AfterTheFirstOneTheShutdownEscalatesByItself) {
  ChildProcess child = start("1", kForeverMs);
  run(child, "listens");
  child.send_signal(SIGTERM);
  child.await_line("signal TERM 1");
  shut_down(child);
  child.await_line("cancelled listens");
  child.await_line("cancelled");
  EXPECT_EQ(child.wait(), 1) << child.output();
}

// --- Second signal -----------------------------------------------------------------------------

TEST_F(Signals, SecondCancelsDuringTheDrain) {
  ChildProcess child = start(kForeverMs, kForeverMs);
  run(child, "listens");
  child.send_signal(SIGTERM);
  child.await_line("signal TERM 1");
  shut_down(child);
  child.await_sleep();  // in the drain, which would last forever
  child.send_signal(SIGINT);
  child.await_line("cancelled listens");
  child.await_line("cancelled");
  EXPECT_EQ(child.wait(), 1) << child.output();
  EXPECT_THAT(child.output(), HasSubstr("signal INT 2\n"));
}

TEST_F(Signals, SecondBeforeTheShutdownSkipsTheDrain) {
  ChildProcess child = start(kForeverMs, kForeverMs);
  run(child, "listens");
  for (const std::string count : {"1", "2"}) {
    child.send_signal(SIGTERM);
    child.await_line("signal TERM " + count);
  }
  child.write_line("shutdown");
  child.await_line("cancelled listens");
  EXPECT_EQ(child.wait(), 1) << child.output();
}

// --- Third signal, and abandoning --------------------------------------------------------------

class SignalsThird : public Signals, public ::testing::WithParamInterface<std::pair<int, int>> {};

TEST_P(SignalsThird, LeavesAtOnceWithTheStatusOfTheSignal) {
  const auto [signal, status] = GetParam();
  ChildProcess child = start(kForeverMs, kForeverMs);
  run(child, "deaf");
  shut_down(child);
  child.send_signal(SIGTERM);
  child.await_line("signal TERM 1");
  child.send_signal(SIGTERM);
  child.await_line("signal TERM 2");
  child.await_sleep();  // in the wait after the cancel, which would last forever
  child.send_signal(signal);
  EXPECT_EQ(child.wait(), status) << child.output();
  EXPECT_THAT(child.output(), Not(HasSubstr("abandoned")));
}

INSTANTIATE_TEST_SUITE_P(Each, SignalsThird,
                         ::testing::Values(std::pair(SIGHUP, 129), std::pair(SIGINT, 130),
                                           std::pair(SIGTERM, 143)));

TEST_F(Signals, AJobThatDoesNotListenIsAbandonedWithAStatusOfItsOwn) {
  ChildProcess child = start(kForeverMs, "1");
  run(child, "deaf");
  shut_down(child);
  child.send_signal(SIGTERM);
  child.await_line("signal TERM 1");
  child.send_signal(SIGTERM);
  child.await_line("abandoned");
  EXPECT_EQ(child.wait(), 3) << child.output();
}

// --- What it must not do -----------------------------------------------------------------------

TEST_F(Signals, IgnoredAtTheStartStayIgnored) {
  ChildProcess child(
      watchdog_, {"/bin/sh", "-c", "trap '' INT HUP; exec " + program() + " 86400000 86400000"});
  child.await_line("ready");
  child.send_signal(SIGINT);
  child.send_signal(SIGHUP);
  child.send_signal(SIGTERM);
  child.await_line("signal TERM 1");  // not 2
  child.write_line("shutdown");
  child.await_line("drained");
  EXPECT_EQ(child.wait(), 0) << child.output();
}

TEST_F(Signals, RaisedByMainDoesNotEndTheProgramAfterItsShutdown) {
  ChildProcess child = start(kForeverMs, kForeverMs);
  child.write_line("raise");
  child.write_line("submit quick");
  child.await_line("finished quick");
  shut_down(child);
  child.await_line("drained");
  EXPECT_EQ(child.wait(), 0) << child.output();
  EXPECT_THAT(child.output(), Not(HasSubstr("signal "))) << "raise() is documented as not seen";
}

bool blocked(int signal) {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return sigismember(&mask, signal) == 1;
}

bool any_blocked() { return blocked(SIGTERM) || blocked(SIGINT) || blocked(SIGHUP); }

TEST(ShutdownSignals, BlocksThemForItsScopeAndEndsItsThread) {
  ASSERT_FALSE(any_blocked());
  std::stop_token first;
  {
    const ShutdownSignals signals;
    first = signals.first();
    EXPECT_TRUE(blocked(SIGTERM));
  }
  EXPECT_FALSE(first.stop_requested()) << "the SIGTERM that ended the thread counted as a signal";
  EXPECT_FALSE(any_blocked()) << "the destructor must restore the signal mask";
}

using Effect = void (*)(int);

Effect effect_of(int signal) {
  struct sigaction now{};
  sigaction(signal, nullptr, &now);
  return now.sa_handler;
}

TEST(ShutdownSignals, MakesFailedWritesErrorsForTheRestOfTheProgram) {
  for (const int number : {SIGPIPE, SIGXFSZ}) {
    signal(number, SIG_DFL);
    {
      const ShutdownSignals signals;
    }
    EXPECT_EQ(effect_of(number), SIG_IGN) << number;
  }
}

TEST(ShutdownSignals, LeavesAHandlerOfTheProgramAlone) {
  const Effect handler = [](int) {};
  signal(SIGPIPE, handler);
  {
    const ShutdownSignals signals;
  }
  EXPECT_EQ(effect_of(SIGPIPE), handler);
  signal(SIGPIPE, SIG_IGN);
}

// Destroys the signals, which joins their thread, under the watchdog. It cannot be declared before
// them: its thread has to inherit their mask.
void destroy(std::unique_ptr<const ShutdownSignals> signals, const Watchdog& watchdog) {
  const auto note = watchdog.waiting("test: for ShutdownSignals to be destroyed");
  signals.reset();
}

TEST(ShutdownSignals, TellsTheListenerAfterTheStopWasRequested) {
  std::atomic<const ShutdownSignals*> self = nullptr;
  std::atomic<int> told = 0;
  auto signals = std::make_unique<const ShutdownSignals>([&](int, int count) {
    const std::stop_token stop = count == 1 ? self.load()->first() : self.load()->second();
    EXPECT_TRUE(stop.stop_requested()) << "signal " << count;
    ++told;
  });
  self = signals.get();
  const Watchdog watchdog;
  for (int count = 1; count <= 2; ++count) {
    ASSERT_EQ(kill(getpid(), SIGTERM), 0);
    watchdog.await("the call of the listener", [&] { return told == count; });
  }
  destroy(std::move(signals), watchdog);
}

void send_two_and_await_both(const ShutdownSignals& signals, const Watchdog& watchdog) {
  for (const std::stop_token& stop : {signals.first(), signals.second()}) {
    ASSERT_EQ(kill(getpid(), SIGTERM), 0);
    watchdog.await("the signal to stop its token", [&] { return stop.stop_requested(); });
  }
}

TEST(ShutdownSignals, SurvivesAListenerThatThrows) {
  auto signals = std::make_unique<const ShutdownSignals>([](int, int count) {
    if (count == 1) throw std::runtime_error("cannot print");
    throw 42;
  });
  const Watchdog watchdog;
  send_two_and_await_both(*signals, watchdog);
  destroy(std::move(signals), watchdog);
}

TEST(ShutdownSignals, SeesTheNextSignalWhileTheListenerBlocks) {
  std::promise<void> may_return;
  auto signals = std::make_unique<const ShutdownSignals>(
      [done = may_return.get_future().share()](int, int) { done.wait(); });
  const Watchdog watchdog;
  send_two_and_await_both(*signals, watchdog);
  may_return.set_value();
  destroy(std::move(signals), watchdog);
}

// Makes standard output a full pipe that nothing reads.
void block_standard_output() {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  ASSERT_GE(dup2(ends[1], STDOUT_FILENO), 0);
  fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK);
  while (write(STDOUT_FILENO, "x", 1) == 1) {
  }
  fcntl(STDOUT_FILENO, F_SETFL, 0);
}

TEST(ShutdownSignalsDeathTest, ThirdSignalLeavesEvenIfTheFlushOfStandardOutputWouldBlock) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto send_three = [] {
    block_standard_output();
    std::cout << "not flushed";
    const ShutdownSignals signals;
    const Watchdog watchdog;
    for (const int signal : {SIGHUP, SIGINT, SIGTERM}) kill(getpid(), signal);
    watchdog.await("the third signal to end the program", [] { return false; });
  };
  EXPECT_EXIT(send_three(), ::testing::ExitedWithCode(128 + SIGTERM), "");
}

TEST(ShutdownSignalsDeathTest, ThirdSignalLeavesEvenIfAFourthCameWithIt) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto send_four = [] {
    const ShutdownSignals signals;
    const Watchdog watchdog;
    std::atomic<bool> all_sent = false;
    const std::stop_callback hold(signals.first(), [&] {
      while (!all_sent) std::this_thread::yield();
    });
    kill(getpid(), SIGHUP);
    watchdog.await("the first signal", [&] { return signals.first().stop_requested(); });
    for (const int signal : {SIGHUP, SIGINT, SIGTERM}) kill(getpid(), signal);
    all_sent = true;
    watchdog.await("the third signal to end the program", [] { return false; });
  };
  // Of pending signals, the one with the lowest number comes first: SIGHUP, then SIGINT.
  EXPECT_EXIT(send_four(), ::testing::ExitedWithCode(128 + SIGINT), "");
}

}  // namespace
}  // namespace worker_pool
