#include "testing/lab/engine/recorder.h"

#include <cstddef>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "testing/lab/engine/scheduler.h"

namespace worker_pool::lab {

void Scheduler::tell_of(int thread, const std::string& text, Place place) {
  if (options_.recorder != nullptr) {
    options_.recorder->line(thread, text, at(thread).plan.place);
  }
  const std::lock_guard lock(mutex_);  // run() reads the last line when a thread makes no step
  story_.push_back({.thread = name_of(thread), .text = text, .place = place});
}

void Scheduler::tell_recorder(const std::string& verb, const std::string& object) {
  if (options_.recorder == nullptr) return;
  options_.recorder->line(running_, verb + " " + object, at(running_).plan.place);
}

std::size_t Scheduler::ask(const std::vector<Choice>& choices,
                           const std::function<std::string(const Choice&)>& text_of_choice) {
  if (options_.recorder != nullptr) {
    std::vector<Recorder::Alternative> alternatives;
    for (const Choice& it : choices) alternatives.push_back({it, text_of_choice(it)});
    std::vector<Recorder::ThreadState> threads;
    for (const auto& it : threads_) threads.push_back(state_of(*it));
    options_.recorder->fork(alternatives, threads);
  }
  return strategy_.choose(choices);
}

std::string Scheduler::text_of_step(const Choice& choice) const {
  if (choice.spurious) return "wakes up without a notification";
  if (choice.timeout) {
    if (can_go_on(at(choice.thread))) return "goes on slowly: the next timeout passes";
    return choice.preemption ? "is woken by the clock: the other threads are slow"
                             : "is woken by the clock";
  }
  const Thread& thread = at(choice.thread);
  const std::string object = objects_.name_of(thread.plan.object);
  return thread.plan.verb + (object.empty() ? "" : " " + object);
}

// `is_busy`: whether the running thread uses a processor.
std::string Scheduler::no_step(bool is_busy) const {
  const std::string last =
      story_.empty() ? ""
                     : ". The story ends with: " + story_.back().thread + " " + story_.back().text;
  const std::string loop = "a loop that never ends, in " + next_->name;
  const std::string blocked =
      "thread \"" + next_->name +
      "\" is blocked outside the lab. Does it wait on a std::mutex, a std::condition_variable or "
      "std::this_thread::sleep_for? In an exercise, use lab::mutex and the like";
  return "lab: " +
         (is_busy ? loop + last + ". Or " + blocked : blocked + last + ". Or it is " + loop) + ".";
}

std::string Scheduler::deadlock() const {
  std::string text = "deadlock:";
  for (const auto& thread : threads_) {
    if (thread->finished) continue;
    text += (text.back() == ':' ? " " : "; ") + thread->name + " waits forever " +
            thread->waiting.reason();
  }
  return text;
}

Recorder::ThreadState Scheduler::state_of(const Thread& thread) const {
  using enum Recorder::State;
  if (thread.finished) return {.name = thread.name, .state = kExited, .text = "has exited"};
  const bool can_run = can_go_on(thread);
  return {.name = thread.name,
          .state = can_run ? kCanRun : kBlocked,
          .text = can_run ? text_of_step({.thread = thread.number})
                          : "waits " + thread.waiting.reason(),
          .place = thread.plan.place};
}

}  // namespace worker_pool::lab
