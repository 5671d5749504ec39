// The scheduler of one run: the lab types call it. Users of the lab need only explorer.h and lab.h.
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

using Time = std::chrono::nanoseconds;  // of the virtual clock, since the run began

// One of the choices among which a strategy decides.
struct Choice {
  int thread = 0;
  bool preemption = false;  // interrupts a thread that could run on
  bool spurious = false;    // wakes a thread without a notification, or fails a try_lock()
  bool timeout = false;     // the clock jumps to this thread's timeout while others could run
};

// Decides which thread runs next. Asked the same questions, it must give the same answers.
class Strategy {
 public:
  virtual ~Strategy() = default;
  // Returns an index into `choices`, which has at least two elements. The first is the running
  // thread, if it can run on.
  virtual std::size_t choose(const std::vector<Choice>& choices) = 0;
};

// Runs the scenario under one schedule. Exactly one of its threads runs at a time. Only that thread
// uses the members without another comment, and the hand-over to the next thread orders these uses.
class Scheduler {
 public:
  // What a thread waits for while another one runs.
  struct Waiting {
    std::function<bool()> can_go_on = [] { return true; };
    // Such as "for mutex, which main holds", for the verdict of a deadlock.
    std::function<std::string()> reason = [] { return std::string("to be scheduled"); };
    std::optional<Time> until{};  // the timeout, at which can_go_on() may become true
    std::function<bool()> can_wake_spuriously = [] { return false; };
    const void* uses = nullptr;  // the object that must not be destroyed meanwhile
  };

  Scheduler(const Options& options, Strategy& strategy) : options_(options), strategy_(strategy) {}

  // Runs the scenario on a thread "main" until it is over. Returns the verdict, which is empty if
  // nothing failed. After a verdict the threads stay blocked and use the scheduler, which must not
  // be destroyed then.
  std::string run(const std::function<void()>& scenario);
  std::string story() const;

  // --- For the lab types, on the running thread -------------------------------------------------

  // Returns the scheduler of the calling thread. Outside a scenario, ends the program with a
  // message.
  static Scheduler& current();

  // A schedule point: other threads may run now. Returns when the calling thread runs again, either
  // because can_go_on() is true or because of a spurious wake-up.
  void step(Waiting waiting);
  void step();

  // Whether an operation that may fail for no reason does so now. Counts as a spurious wake-up.
  bool fails_spuriously();

  // Returns one of `threads`. The strategy decides which.
  int any_of(const std::vector<int>& threads);

  int start(const std::string& name, std::function<void()> body);  // returns the thread's number
  bool has_finished(int thread) const { return threads_[index(thread)]->finished; }
  const std::string& name_of(int thread) const { return threads_[index(thread)]->name; }
  std::size_t running_threads() const;
  void count_synchronization() { ++threads_[index(running_)]->synchronizations; }
  std::size_t synchronizations() const { return threads_[index(running_)]->synchronizations; }
  // A lab object reports its construction and its destruction. Using it before or after fails the
  // schedule: for example, if a thread starts before the members that it uses are constructed.
  void born(const void* object) { alive_.insert(object); }
  void died(const void* object) { alive_.erase(object); }
  void expect_alive(const void* object, const std::string& type);
  // Fails if another thread is inside an operation on `object`.
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
    std::size_t synchronizations = 0;
    std::condition_variable scheduled{};
    std::thread real{};  // started when the thread first runs
  };

  static std::size_t index(int thread) { return static_cast<std::size_t>(thread); }

  void main_of(Thread& thread);
  void finish();
  std::vector<Choice> choices();
  std::optional<int> next_timeout() const;
  Choice choose();
  std::string deadlock() const;
  void run_next(int thread);
  void wait_until_scheduled(Thread& thread);
  void end(const std::string& verdict);

  const Options options_;
  Strategy& strategy_;
  std::vector<std::unique_ptr<Thread>> threads_;
  int running_ = 0;
  int spurious_wakeups_ = 0;
  std::atomic<std::size_t> steps_ = 0;  // run() reads it at any time
  Time now_ = Time::zero();
  std::vector<std::string> names_;
  std::set<const void*> alive_;
  std::vector<std::pair<std::string, std::string>> story_;  // who, what

  std::mutex mutex_;  // guards the members below and Thread::real, and orders all other uses
  const Thread* next_ = nullptr;  // the only thread that may run
  bool over_ = false;
  std::string verdict_;
  std::condition_variable over_changed_;
};

}  // namespace worker_pool::lab
