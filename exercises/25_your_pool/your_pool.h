// Your worker pool, in four stages. README.md lists what each stage promises.
//
// Write ordinary C++ with the types of std. Add members, classes and functions as you like, but
// keep the names and the parameters that are here: the tests use them.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <functional>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <vector>

namespace your_pool {

// Fails the test with the name of the function. Remove it once nothing calls it.
[[noreturn]] inline void not_written_yet(const std::string& function) {
  throw std::logic_error("not written yet: " + function);
}

// --- Stage 1: the channel ------------------------------------------------------------------------

enum class SendStatus { kSent, kFull, kClosed };

// TODO(you): a bounded queue between threads. Every function may be called by many threads at once.
template <class T>
class Channel {
 public:
  // Throws std::invalid_argument if the capacity is 0.
  explicit Channel(std::size_t /*capacity*/) {}

  // Blocks while the channel is full and open. Returns kSent or kClosed. Moves from `value` only if
  // it returns kSent.
  [[nodiscard]] SendStatus send(T&& /*value*/) { not_written_yet("Channel::send()"); }

  // Does not wait for room. Returns kSent, kFull or kClosed; otherwise as send().
  [[nodiscard]] SendStatus try_send(T&& /*value*/) { not_written_yet("Channel::try_send()"); }

  // Blocks while the channel is empty and open. Returns nullopt if it is closed and empty.
  [[nodiscard]] std::optional<T> receive() { not_written_yet("Channel::receive()"); }

  // Accepts no more values; those in the channel can still be received. Does not wait.
  void close() { not_written_yet("Channel::close()"); }

  // Closes, and hands back the values that were not received, oldest first.
  [[nodiscard]] std::vector<T> close_and_take_pending() {
    not_written_yet("Channel::close_and_take_pending()");
  }
};

// --- Stage 2: the worker -------------------------------------------------------------------------

struct Job {
  std::string id{};
  std::string payload{};
};

using JobResult = std::expected<void, std::string>;  // or why the job failed

// Does one job. May return an error or throw. The token says when to stop early.
using JobHandler = std::function<JobResult(const Job&, std::stop_token)>;

// Called with the result of each job. Does not throw.
using JobFinished = std::function<void(const Job&, const JobResult&)>;

// TODO(you): the function of a worker's thread. Handles jobs until `jobs` is closed and empty.
inline void run_worker(Channel<Job>& /*jobs*/, const JobHandler& /*handler*/,
                       const JobFinished& /*finished*/, std::stop_token /*stop*/) {
  not_written_yet("run_worker()");
}

// --- Stages 3 and 4: the pool and its shutdown ---------------------------------------------------

// How long each part of a shutdown may wait. 0: does not wait.
struct ShutdownLimits {
  std::chrono::nanoseconds drain{};
  std::chrono::nanoseconds cancel{};
};

enum class ShutdownOutcome {
  kDrained,    // every job finished on its own
  kCancelled,  // jobs were handed back or asked to stop, and every thread has been joined
  kAbandoned,  // some threads did not exit in time: they still run, detached
};

struct ShutdownReport {
  ShutdownOutcome outcome = ShutdownOutcome::kDrained;
  std::vector<Job> not_started{};            // handed back, oldest first
  std::vector<std::string> still_running{};  // the ids of the jobs on abandoned threads
};

// TODO(you): workers on threads, and a channel of jobs for them. Every function but the constructor
// and the destructor may be called by many threads at once.
class WorkerPool {
 public:
  struct Options {
    int workers = 3;
    std::size_t capacity = 100;  // of the channel; running jobs do not count
  };

  // Starts the workers. Throws std::invalid_argument if there are none, or if the capacity is 0.
  WorkerPool(Options /*options*/, JobHandler /*handler*/, JobFinished /*finished*/) {
    not_written_yet("WorkerPool::WorkerPool()");
  }

  // Accepts no more jobs, and blocks until those that were accepted have finished. Joins the
  // threads.
  ~WorkerPool() = default;

  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // As send() and try_send() of the channel.
  [[nodiscard]] SendStatus submit(Job&& /*job*/) { not_written_yet("WorkerPool::submit()"); }
  [[nodiscard]] SendStatus try_submit(Job&& /*job*/) {
    not_written_yet("WorkerPool::try_submit()");
  }

  // Stage 4. Drains, then cancels, then abandons, within the limits.
  ShutdownReport shutdown(ShutdownLimits /*limits*/) { not_written_yet("WorkerPool::shutdown()"); }
};

}  // namespace your_pool
