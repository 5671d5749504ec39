// Watchdog: ends a test that hangs, and reports which thread was waiting for what.
//
//   TEST(Channel, SenderBlocksWhenFull) {
//     Watchdog watchdog;                                   // first, so that it is destroyed last
//     ...
//     auto sender = watchdog.thread("sender: send(2) on a full channel", [&] { ... });
//     watchdog.await("the sender to block", [&] { return jobs.stats().blocked_senders == 1; });
//
// A test that hangs prints this and ends the program with status 1:
//
//   Watchdog: Channel.SenderBlocksWhenFull is not done after 10000 ms. Waiting:
//     sender: send(2) on a full channel
//     test: for the sender to block
#pragma once

#include <chrono>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace worker_pool {

// The limit runs from construction to destruction. Every function may be called from any thread at
// any time.
class Watchdog {
 public:
  class Notes;

  // Adds a line to the report for as long as it lives. It may outlive the Watchdog, as the note of
  // an abandoned worker does.
  class [[nodiscard]] Waiting {
   public:
    Waiting(std::shared_ptr<Notes> notes, std::string what);
    Waiting(Waiting&&) = delete;
    ~Waiting();

   private:
    std::shared_ptr<Notes> notes_;
    std::list<std::string>::iterator line_;
  };

  explicit Watchdog(std::chrono::milliseconds limit = std::chrono::seconds(10));
  // With notes that may have lines already, for the tests of the Watchdog itself.
  Watchdog(std::chrono::milliseconds limit, std::shared_ptr<Notes> notes);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

  // `what` is "WHO: for WHAT", such as "main: for the drain".
  Waiting waiting(std::string what) const { return Waiting(notes_, std::move(what)); }

  // Starts a thread that runs `body` under a note. Its destructor joins it.
  template <class Body>
  [[nodiscard]] std::jthread thread(std::string what, Body body) const {
    return std::jthread([notes = notes_, what = std::move(what), body = std::move(body)]() mutable {
      const Waiting note(std::move(notes), std::move(what));
      body();
    });
  }

  // Blocks until done() returns true. It polls, so that a test can wait for any state that the code
  // under test exposes. Time never decides the outcome.
  template <class Predicate>
  void await(const std::string& what, Predicate done) const {
    const Waiting note = waiting("test: for " + what);
    while (!done()) std::this_thread::yield();
  }

  std::shared_ptr<Notes> notes() const { return notes_; }

 private:
  void watch(std::chrono::milliseconds limit, const std::string& test);

  const std::shared_ptr<Notes> notes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool test_is_done_ = false;
  std::thread watcher_;  // last, because it uses the members above
};

// The lines of the threads that are waiting now. Every function is thread-safe.
class Watchdog::Notes {
 public:
  std::list<std::string>::iterator add(std::string line);
  void remove(std::list<std::string>::iterator line);
  std::string text() const;

 private:
  mutable std::mutex mutex_;
  std::list<std::string> lines_;
};

}  // namespace worker_pool
