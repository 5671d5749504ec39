#include "testing/lab/explorer.h"

#if defined(__linux__)
#include <sched.h>
#endif

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "testing/lab/engine/hooks.h"
#include "testing/lab/engine/inside.h"
#include "testing/lab/engine/scheduler.h"
#include "testing/lab/engine/strategy.h"

namespace worker_pool::lab {
namespace {

// A strategy that records its decisions, so that a failing schedule can be replayed.
class Recording : public Strategy {
 public:
  std::size_t choose(const std::vector<Choice>& choices) final {
    const std::size_t index = decide(choices);
    decisions_.push_back(index);
    if (choices[index].preemption) ++preemptions_;
    if (choices[index].spurious) ++spurious_wakeups_;
    return index;
  }

  int preemptions() const { return preemptions_; }
  int spurious_wakeups() const { return spurious_wakeups_; }

  // Without the zeros at its end, because a replay continues with zeros.
  std::string schedule() const {
    std::string text;
    std::string zeros;
    for (const std::size_t decision : decisions_) {
      zeros += (text.empty() && zeros.empty() ? "" : ".") + std::to_string(decision);
      if (decision != 0) text += std::exchange(zeros, "");
    }
    return text.empty() ? "0" : text;
  }

 protected:
  void begin() {
    decisions_.clear();
    preemptions_ = 0;
    spurious_wakeups_ = 0;
  }

 private:
  virtual std::size_t decide(const std::vector<Choice>& choices) = 0;

  std::vector<std::size_t> decisions_;
  int preemptions_ = 0;
  int spurious_wakeups_ = 0;
};

constexpr const char* kBehavesDifferently =
    "the scenario behaved differently in another run: does it keep state between runs?";

// All schedules with at most the given numbers of preemptions and spurious wake-ups, depth first.
class DepthFirst final : public Recording {
 public:
  DepthFirst(int preemptions, int spurious_wakeups)
      : max_preemptions_(preemptions), max_spurious_wakeups_(spurious_wakeups) {}

  // Prepares the next schedule. Returns false if there is none left.
  bool next() {
    begin();
    depth_ = 0;
    if (fresh_) return !(fresh_ = false);
    while (!path_.empty() && path_.back().taken + 1 == path_.back().allowed.size()) {
      path_.pop_back();
    }
    if (path_.empty()) return false;
    ++path_.back().taken;
    return true;
  }

  // Whether the schedule that has just run had each fork in which it was to decide differently.
  bool has_repeated_all() const { return depth_ == path_.size(); }

 private:
  struct Fork {
    std::size_t choices;               // their number
    std::vector<std::size_t> allowed;  // the choices within the limits
    std::size_t taken = 0;             // an index into `allowed`
  };

  std::size_t decide(const std::vector<Choice>& choices) override {
    if (depth_ == path_.size()) path_.push_back({choices.size(), allowed(choices)});
    const Fork& fork = path_[depth_++];
    check(fork.choices == choices.size(), kBehavesDifferently);
    return fork.allowed[fork.taken];
  }

  std::vector<std::size_t> allowed(const std::vector<Choice>& choices) const {
    std::vector<std::size_t> result;
    for (std::size_t i = 0; i < choices.size(); ++i) {
      if (choices[i].preemption && preemptions() == max_preemptions_) continue;
      if (choices[i].spurious && spurious_wakeups() == max_spurious_wakeups_) continue;
      result.push_back(i);
    }
    return result;
  }

  const int max_preemptions_;
  const int max_spurious_wakeups_;
  bool fresh_ = true;
  std::vector<Fork> path_;
  std::size_t depth_ = 0;
};

// Threads have random priorities. At a few random steps the running thread gets the lowest one.
class RandomPriorities final : public Recording {
 public:
  explicit RandomPriorities(std::uint64_t seed) : random_(seed) {}

 private:
  std::size_t decide(const std::vector<Choice>& choices) override {
    // Not std::uniform_int_distribution: its results differ between standard libraries.
    if (random_() % 8 == 0) priority(choices[0].thread) = random_() % 1'000;
    std::size_t best = 0;
    for (std::size_t i = 1; i < choices.size(); ++i) {
      const bool is_same_thread = choices[i].thread == choices[best].thread;
      const bool is_rare = choices[i].spurious || choices[i].timeout || is_same_thread;
      if (is_rare && random_() % 16 != 0) continue;
      // Of one thread, for example: whether try_lock() fails, or which value a load returns.
      if (is_same_thread || comes_before(choices[i].thread, choices[best].thread)) best = i;
    }
    return best;
  }

  bool comes_before(int thread, int other) {
    const std::uint64_t of_thread = priority(thread);
    return of_thread > priority(other);
  }

  // Valid until the next call.
  std::uint64_t& priority(int thread) {
    while (priorities_.size() <= static_cast<std::size_t>(thread)) {
      priorities_.push_back(1'000 + random_() % 1'000);
    }
    return priorities_[static_cast<std::size_t>(thread)];
  }

  std::mt19937_64 random_;
  std::vector<std::uint64_t> priorities_;
};

// Begins a schedule in which threads may run just before an unlock, too.
constexpr std::string_view kShowsHeldLocks = "held.";

std::vector<std::size_t> decisions_of(const std::string& schedule) {
  std::vector<std::size_t> decisions;
  const bool has_prefix = schedule.starts_with(kShowsHeldLocks);
  std::istringstream stream(schedule.substr(has_prefix ? kShowsHeldLocks.size() : 0));
  for (std::string decision; std::getline(stream, decision, '.');) {
    if (decision.empty() || decision.find_first_not_of("0123456789") != std::string::npos) {
      throw std::invalid_argument("\"" + schedule + "\" is not a schedule; 0.1.0.2 would be one");
    }
    decisions.push_back(std::stoul(decision));
  }
  return decisions;
}

// Repeats the decisions of an earlier schedule, and then decides 0.
class Replay final : public Recording {
 public:
  // If the decisions were changed, the schedule may be another one after that: a decision that is
  // no longer possible is then 0.
  Replay(std::vector<std::size_t> decisions, bool is_changed)
      : wanted_(std::move(decisions)), is_changed_(is_changed) {}

 private:
  std::size_t decide(const std::vector<Choice>& choices) override {
    const std::size_t decision = next_ < wanted_.size() ? wanted_[next_++] : 0;
    if (decision < choices.size()) return decision;
    check(is_changed_, "the schedule to replay belongs to another scenario");
    return 0;
  }

  const std::vector<std::size_t> wanted_;
  const bool is_changed_;
  std::size_t next_ = 0;
};

// Keeps the process on one processor. Exactly one thread of a scenario runs at a time, and the next
// one starts sooner on the same processor.
class OneProcessor {
 public:
  OneProcessor(const OneProcessor&) = delete;
  OneProcessor& operator=(const OneProcessor&) = delete;

#if defined(__linux__)
  OneProcessor() : is_set_(sched_getaffinity(0, sizeof before_, &before_) == 0) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    if (is_set_) sched_setaffinity(0, sizeof one, &one);
  }
  ~OneProcessor() {
    if (is_set_) sched_setaffinity(0, sizeof before_, &before_);
  }

 private:
  cpu_set_t before_{};
  const bool is_set_;
#else
  OneProcessor() = default;
#endif
};

// What all schedules of a scenario have in common.
struct Exploration {
  const Options& options;
  const std::function<void()>& scenario;
  bool shows_held_locks = false;
  bool tries_locks = false;  // whether a thread tried to lock in the last schedule
};

// On the schedule that has just run. If it left memory in use, runs it again: static variables
// allocate only when they are first used.
std::string verdict_on_memory(const Exploration& exploration, const std::string& schedule) {
  if (blocks_in_use() == 0) return "";
  begin_schedule_memory();
  Replay strategy(decisions_of(schedule), false);
  Scheduler again(exploration.options, strategy, exploration.shows_held_locks);
  const bool has_failed = !again.run(exploration.scenario).empty();
  const std::size_t blocks = blocks_in_use();
  if (has_failed || blocks == 0) return "";
  return std::to_string(blocks) + (blocks == 1 ? " block" : " blocks") +
         " of memory, allocated by the code or its test, " + (blocks == 1 ? "is" : "are") +
         " never freed";
}

// Runs one schedule. Returns true if it failed.
bool run_one(Exploration& exploration, Recording& strategy, Result& result) {
  begin_schedule_memory();
  auto scheduler =
      std::make_unique<Scheduler>(exploration.options, strategy, exploration.shows_held_locks);
  ++result.schedules;
  result.verdict = scheduler->run(exploration.scenario);
  exploration.tries_locks = scheduler->tries_locks();
  if (result.verdict.empty() && exploration.options.must_free_memory) {
    result.verdict = verdict_on_memory(exploration, strategy.schedule());
    result.leaks = !result.verdict.empty();
  }
  if (result.verdict.empty()) return false;
  result.failed = true;
  result.story = scheduler->story() + "  " + result.verdict + "\n";
  if (exploration.shows_held_locks) result.schedule = kShowsHeldLocks;
  result.schedule += strategy.schedule();
  result.preemptions = strategy.preemptions();
  abandon_schedule_memory();
  (void)scheduler.release();  // its blocked threads go on using it
  return true;
}

// Returns true if the search is over: a schedule failed, or the limit has been reached.
bool run_all(Exploration& exploration, const DepthFirst& all, Result& result) {
  DepthFirst strategy = all;
  while (strategy.next()) {
    if (result.schedules >= exploration.options.max_schedules) return true;
    if (run_one(exploration, strategy, result)) return true;
    if (!strategy.has_repeated_all()) {
      result.failed = true;
      result.verdict = kBehavesDifferently;
      result.story = "  " + result.verdict + "\n";
      return true;
    }
    // Only the first schedule of all decides this.
    if (result.schedules == 1 && exploration.tries_locks) {
      exploration.shows_held_locks = true;
      return run_all(exploration, all, result);
    }
  }
  return false;
}

// Simple schedules first, so that the story of a failure is as short as possible.
void run_systematically(Exploration& exploration, Result& result) {
  const Options& options = exploration.options;
  for (int preemptions = 0; preemptions <= options.max_preemptions; ++preemptions) {
    for (int spurious = 0; spurious <= options.max_spurious_wakeups; ++spurious) {
      if (run_all(exploration, DepthFirst(preemptions, spurious), result)) return;
    }
  }
  result.exhaustive = true;
}

std::ptrdiff_t switches(const std::vector<std::size_t>& decisions) {
  return std::ranges::count_if(decisions, [](std::size_t decision) { return decision != 0; });
}

// Makes a failing schedule simpler: replaces one decision after the other by 0, which usually means
// no switch, as long as the schedule still fails. The last ones first, because they are more often
// unnecessary.
void shrink(Exploration& exploration, Result& result) {
  constexpr int kMaxRuns = 100;
  std::vector<std::size_t> decisions = decisions_of(result.schedule);
  int runs = 0;
  for (std::size_t i = decisions.size(); i-- > 0 && runs < kMaxRuns;) {
    if (i >= decisions.size() || decisions[i] == 0) continue;
    std::vector<std::size_t> simpler = decisions;
    simpler[i] = 0;
    Replay strategy(std::move(simpler), true);
    Result shrunk;
    ++runs;
    if (!run_one(exploration, strategy, shrunk)) continue;
    const std::vector<std::size_t> taken = decisions_of(shrunk.schedule);
    if (switches(taken) >= switches(decisions)) continue;
    shrunk.schedules = result.schedules;
    result = std::move(shrunk);
    decisions = taken;
  }
}

}  // namespace

Result explore(const Options& options, const std::function<void()>& scenario) {
  const OneProcessor one_processor;
  Exploration exploration{options, scenario};
  Result result;
  if (!options.replay.empty()) {
    exploration.shows_held_locks = options.replay.starts_with(kShowsHeldLocks);
    Replay strategy(decisions_of(options.replay), false);
    run_one(exploration, strategy, result);
    return result;
  }
  run_systematically(exploration, result);
  for (std::size_t i = 0; i < options.random_schedules && !result.failed; ++i) {
    RandomPriorities strategy(options.seed + i);
    (void)run_one(exploration, strategy, result);
  }
  if (result.failed) shrink(exploration, result);
  return result;
}

void check(bool ok, const std::string& verdict) {
  if (ok) return;
  const Inside inside;
  Scheduler::current().fail(verdict);
}

void note(const std::string& line) {
  const Inside inside;
  Scheduler& scheduler = Scheduler::current();
  scheduler.plan("goes on", nullptr, {.address = return_address(), .stack = t_stack});
  scheduler.tell(line);
}

std::size_t running_threads() { return Scheduler::current().running_threads(); }

}  // namespace worker_pool::lab
