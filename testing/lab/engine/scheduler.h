// The scheduler of one run. The lab types call it (sync.h), and so do the hooks that stand in for
// the compiler's and the system's functions. Users of the lab need only explorer.h and lab.h.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "testing/lab/engine/inside.h"
#include "testing/lab/engine/objects.h"
#include "testing/lab/engine/places.h"
#include "testing/lab/engine/races.h"
#include "testing/lab/engine/recorder.h"
#include "testing/lab/engine/story.h"
#include "testing/lab/engine/strategy.h"
#include "testing/lab/explorer.h"

namespace worker_pool::lab {

using Time = std::chrono::nanoseconds;  // of the virtual clock, since the run began

// Runs the scenario under one schedule. Exactly one of its threads runs at a time. Only that thread
// uses the members without another comment, and the hand-over to the next thread orders these uses.
// A thread of the scenario must be Inside the lab when it calls a member.
class Scheduler {
 public:
  // What a thread waits for while another one runs.
  struct Waiting {
    std::function<bool()> can_go_on = [] { return true; };
    // Such as "for mutex, which main holds", for the verdict of a deadlock.
    std::function<std::string()> reason = [] { return std::string("to be scheduled"); };
    std::optional<Time> until{};  // the timeout, at which can_go_on() may become true
    std::function<bool()> can_wake_spuriously = [] { return false; };
    std::vector<const void*> uses{};  // the objects that must not be destroyed meanwhile
    bool gives_way = false;           // each other thread that can run makes a step first
  };

  // `shows_held_locks`: other threads may run just before an unlock, too. Only a thread that tries
  // to lock, or waits for a lock until a time, can tell that another one holds it.
  Scheduler(const Options& options, Strategy& strategy, bool shows_held_locks = false);

  // Runs the scenario on a thread "main" until it is over. Returns the verdict, which is empty if
  // nothing failed. After a verdict the threads stay blocked and use the scheduler, which must not
  // be destroyed then.
  std::string run(const std::function<void()>& scenario);
  std::string story() const { return text_of(story_); }
  bool tries_locks() const { return tries_locks_; }  // whether a thread has done so

  // --- On the running thread --------------------------------------------------------------------

  // Returns the scheduler of the calling thread. Outside a scenario, ends the program with a
  // message.
  static Scheduler& current();

  // A schedule point: other threads may run now. Returns when the calling thread runs again, either
  // because can_go_on() is true or because of a spurious wake-up.
  void step(Waiting waiting);
  void step() { step(Waiting()); }

  // Returns the time. If it may jump to a timeout here (Options::early_timeouts), other threads may
  // run first.
  Time read_clock(Place place) {
    if (options_.early_timeouts && !next_timeouts().empty()) {
      plan("reads the clock", nullptr, place);
      step();
    }
    return now_;
  }

  // Whether an operation that may fail for no reason does so now. Counts as a spurious wake-up.
  bool fails_spuriously();
  // Returns one of `threads`. The strategy decides which.
  int any_of(const std::vector<int>& threads);
  // Returns 0, or a number below `values`, each of which counts as a preemption.
  std::size_t any_older_value(std::size_t values);

  // Starts a thread, which runs `body` once it is scheduled. Returns its number.
  int start(const std::string& name, std::function<void()> body);
  bool has_finished(int thread) const { return at(thread).finished; }
  void begin_join(int thread);                              // fails if the thread has been joined
  void join(int thread) { races_.join(running_, thread); }  // a thread that has finished
  const std::string& name_of(int thread) const { return at(thread).name; }
  const std::string& own_name() const { return name_of(running_); }
  std::thread::native_handle_type handle_of(int thread) { return at(thread).real.native_handle(); }
  int thread_count() const { return static_cast<int>(threads_.size()); }
  std::size_t running_threads() const;

  // Fails if another thread is inside an operation on an object from `begin` up to `end`.
  void expect_unused(std::uintptr_t begin, std::uintptr_t end, const std::string& name);
  // The running thread gives memory back. Fails the schedule if another thread is using it.
  void free(const void* block, std::size_t size, Place place);
  // Reports an access of the running thread. Fails the schedule if it races with another one.
  void access(const void* address, std::size_t size, Access access);

  int self() const { return running_; }
  Time now() const { return now_; }
  std::string unique(const std::string& name);  // "mutex", then "mutex 2"
  void note_try_lock() { tries_locks_ = true; }
  bool shows_held_locks() const { return shows_held_locks_; }
  void count_lock(int change) { at(running_).locks_held += change; }
  // The running thread has done something that other threads can see, and that no step follows.
  // They may run before the thread exits.
  void note_effect() { at(running_).has_effect = true; }
  void tell(const std::string& text, Place place = {}) { tell_of(running_, text, place); }
  [[noreturn]] void fail(const std::string& verdict);

  // For a Recorder: what the running thread does in its next step, and where. The object may have a
  // name. Lines that it tells from now on are from that place.
  void plan(const char* verb, const void* object, Place place) {
    at(running_).plan = {.verb = verb, .object = object, .place = place};
  }
  // A line for the Recorder only.
  void tell_recorder(const std::string& verb, const std::string& object);

  const Options& options() const { return options_; }
  Races& races() { return races_; }
  Objects& objects() { return objects_; }

 private:
  friend class EndOfThread;

  struct Plan {
    const char* verb = "begins";
    const void* object = nullptr;
    Place place{};
  };

  struct Thread {
    int number = 0;
    std::string name{};
    std::function<void()> body{};
    Waiting waiting{};
    Plan plan{};
    std::vector<int> gives_way_to{};  // the threads that have to make a step first
    bool has_effect = false;          // since its last step, as in note_effect()
    bool finished = false;
    bool is_joined = false;  // or a thread waits in join()
    int locks_held = 0;
    std::condition_variable scheduled{};
    std::thread real{};
  };

  Thread& at(int thread) { return *threads_[static_cast<std::size_t>(thread)]; }
  const Thread& at(int thread) const { return *threads_[static_cast<std::size_t>(thread)]; }

  void main_of(Thread& thread);
  void run_body(Thread& thread);
  void finish();
  void goes_on(Thread& thread);
  bool can_go_on(const Thread& thread) const {
    return !thread.finished && thread.waiting.can_go_on();
  }
  bool has_to_give_way(const Thread& thread) const;
  std::vector<Choice> choices();
  std::vector<int> next_timeouts() const;
  Choice choose();
  std::size_t ask(const std::vector<Choice>& choices,
                  const std::function<std::string(const Choice&)>& text_of_choice);
  std::string text_of_step(const Choice& choice) const;
  Recorder::ThreadState state_of(const Thread& thread) const;
  std::string deadlock() const;
  void run_next(int thread);
  void wait_until_scheduled(Thread& thread);
  void end(const std::string& verdict);
  void tell_of(int thread, const std::string& text, Place place);
  std::string no_step(bool is_busy) const;

  const Options options_;
  Strategy& strategy_;
  const bool shows_held_locks_;
  bool tries_locks_ = false;
  std::vector<std::unique_ptr<Thread>> threads_;
  int running_ = 0;
  int spurious_wakeups_ = 0;
  std::atomic<std::size_t> steps_ = 0;  // run() reads it at any time
  Time now_ = Time::zero();
  std::vector<std::string> names_;
  Objects objects_;
  Races races_;

  std::mutex mutex_;  // guards the members below, and orders all other uses
  std::vector<StoryLine> story_;
  Thread* next_ = nullptr;  // the only thread that may run
  bool over_ = false;
  std::string verdict_;
  std::condition_variable over_changed_;
};

}  // namespace worker_pool::lab
