// The scheduler of one schedule: what the lab types are made of. Learners never need it.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "testing/lab/explorer.h"

namespace worker_pool::lab {

using Time = std::chrono::nanoseconds;  // of the virtual clock, since the schedule began

// A decision that a strategy can take.
struct Choice {
  int thread = 0;
  bool preemption = false;  // takes the turn from a thread that could go on
  bool spurious = false;    // wakes a waiting thread for no reason
  bool timeout = false;  // lets the time pass until this thread's timeout, while others could go on
};

// Decides who goes on. Given the same questions it has to give the same answers.
class Strategy {
 public:
  virtual ~Strategy() = default;
  // An index into `choices`, which has at least two elements; the first is the thread that runs
  // already, if that one can go on.
  virtual std::size_t choose(const std::vector<Choice>& choices) = 0;
};

// Runs one schedule. Exactly one of its threads runs at a time: all members without another comment
// are used by that one only, and passing on the turn orders their uses.
class Scheduler {
 public:
  // Where a thread stands, waiting for its turn.
  struct Waiting {
    std::function<bool()> can_go_on = [] { return true; };
    // Such as "for mutex, which main holds": asked when the story has to explain a deadlock.
    std::function<std::string()> reason = [] { return std::string("for its turn"); };
    std::optional<Time> until{};  // when can_go_on() changes by itself
    std::function<bool()> can_wake_spuriously = [] { return false; };
    const void* uses = nullptr;  // what must not be destroyed meanwhile
  };

  Scheduler(const Options& options, Strategy& strategy) : options_(options), strategy_(strategy) {}

  // Runs the scenario on a thread "main", to its end; returns the verdict, empty when all is well.
  // After a verdict the threads stay parked for ever and use the scheduler: it must not be
  // destroyed then.
  std::string run(const std::function<void()>& scenario);
  std::string story() const;

  // --- For the lab types: on the running thread -------------------------------------------------

  // The scheduler of the calling thread. Ends the program with a message outside a scenario.
  static Scheduler& current();

  // A point where others may get the turn. Returns when the calling thread has it again, which is
  // when it can go on, or when it is woken spuriously.
  void step(Waiting waiting);
  void step();

  // One of `threads`, as the strategy likes.
  int any_of(const std::vector<int>& threads);

  int start(const std::string& name, std::function<void()> body);  // returns the thread's number
  bool has_finished(int thread) const { return threads_[index(thread)]->finished; }
  const std::string& name_of(int thread) const { return threads_[index(thread)]->name; }
  std::size_t running_threads() const;
  void count_synchronisation() { ++threads_[index(running_)]->synchronisations; }
  std::size_t synchronisations() const { return threads_[index(running_)]->synchronisations; }
  // Lab types say when they are there. Anybody who uses one before or after that fails: with a
  // thread that starts before the members that it uses, for example.
  void born(const void* object) { alive_.insert(object); }
  void gone(const void* object) { alive_.erase(object); }
  void expect_alive(const void* object, const std::string& type);
  // Fails when another thread is in the middle of an operation on `object`.
  void expect_unused(const void* object, const std::string& name);
  int self() const { return running_; }
  Time now() const { return now_; }
  std::string unique(const std::string& name);  // "mutex", then "mutex 2"
  void count_lock(int change) { threads_[index(running_)]->locks_held += change; }
  void tell(const std::string& line) { story_.emplace_back(name_of(running_), line); }
  [[noreturn]] void fail(const std::string& verdict);

 private:
  struct Thread {
    std::string name{};
    std::function<void()> body{};
    Waiting waiting{};
    bool finished = false;
    int locks_held = 0;
    std::size_t synchronisations = 0;
    std::condition_variable turn{};
    std::thread real{};  // from its first turn on
  };

  static std::size_t index(int thread) { return static_cast<std::size_t>(thread); }

  void main_of(Thread& thread);
  void finish();
  std::vector<Choice> choices();
  std::optional<int> next_timeout() const;
  Choice choose();
  std::string deadlock() const;
  void pass_turn_to(int thread);
  void wait_for_turn(Thread& thread);
  void end(const std::string& verdict);

  const Options options_;
  Strategy& strategy_;
  std::vector<std::unique_ptr<Thread>> threads_;
  int running_ = 0;
  int spurious_wakeups_ = 0;
  std::atomic<std::size_t> steps_ = 0;  // run() looks at it at any time
  Time now_ = Time::zero();
  std::vector<std::string> names_;
  std::set<const void*> alive_;
  std::vector<std::pair<std::string, std::string>> story_;  // who, what

  std::mutex mutex_;  // guards what follows and Thread::real, and orders everything else
  const Thread* turn_ = nullptr;
  bool over_ = false;
  std::string verdict_;
  std::condition_variable over_changed_;
};

}  // namespace worker_pool::lab
