// A worker pool on std's mutex, condition variable and thread.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <expected>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace your_pool {

enum class SendStatus { kSent, kFull, kClosed };

template <class T>
class Channel {
 public:
  explicit Channel(std::size_t capacity) : capacity_(capacity) {
    if (capacity == 0) throw std::invalid_argument("the capacity is 0");
  }

  [[nodiscard]] SendStatus send(T&& value) {
    std::unique_lock lock(mutex_);
    not_full_.wait(lock, [this] { return closed_ || values_.size() < capacity_; });
    return push(std::move(value));
  }

  [[nodiscard]] SendStatus try_send(T&& value) {
    const std::lock_guard lock(mutex_);
    if (!closed_ && values_.size() == capacity_) return SendStatus::kFull;
    return push(std::move(value));
  }

  [[nodiscard]] std::optional<T> receive() {
    std::unique_lock lock(mutex_);
    not_empty_.wait(lock, [this] { return closed_ || !values_.empty(); });
    if (values_.empty()) return std::nullopt;
    std::optional<T> value = std::move(values_.front());
    values_.pop_front();
    not_full_.notify_one();
    return value;
  }

  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    not_empty_.notify_all();
    not_full_.notify_all();
  }

  [[nodiscard]] std::vector<T> close_and_take_pending() {
    close();
    const std::lock_guard lock(mutex_);
    std::vector<T> pending(std::move_iterator(values_.begin()), std::move_iterator(values_.end()));
    values_.clear();
    return pending;
  }

 private:
  SendStatus push(T&& value) {
    if (closed_) return SendStatus::kClosed;
    values_.push_back(std::move(value));
    not_empty_.notify_one();
    return SendStatus::kSent;
  }

  const std::size_t capacity_;
  std::mutex mutex_;  // guards everything below
  std::condition_variable not_full_;
  std::condition_variable not_empty_;
  std::deque<T> values_;
  bool closed_ = false;
};

struct Job {
  std::string id{};
  std::string payload{};
};

using JobResult = std::expected<void, std::string>;
using JobHandler = std::function<JobResult(const Job&, std::stop_token)>;
using JobFinished = std::function<void(const Job&, const JobResult&)>;

inline JobResult run_job(const Job& job, const JobHandler& handler, const std::stop_token& stop) {
  if (stop.stop_requested()) return std::unexpected("canceled before it started");
  try {
    return handler(job, stop);
  } catch (const std::exception& e) {
    return std::unexpected(e.what());
  } catch (...) {
    return std::unexpected("an exception that is not a std::exception");
  }
}

inline void run_worker(Channel<Job>& jobs, const JobHandler& handler, const JobFinished& finished,
                       std::stop_token stop) {
  while (const std::optional<Job> job = jobs.receive()) {
    finished(*job, run_job(*job, handler, stop));
  }
}

struct ShutdownLimits {
  std::chrono::nanoseconds drain{};
  std::chrono::nanoseconds cancel{};
};

enum class ShutdownOutcome { kDrained, kCancelled, kAbandoned };

struct ShutdownReport {
  ShutdownOutcome outcome = ShutdownOutcome::kDrained;
  std::vector<Job> not_started{};
  std::vector<std::string> still_running{};
};

class WorkerPool {
 public:
  struct Options {
    int workers = 3;
    std::size_t capacity = 100;
  };

  WorkerPool(Options options, JobHandler handler, JobFinished finished)
      : state_(std::make_shared<State>(options.capacity, std::move(handler), std::move(finished))) {
    if (options.workers < 1) throw std::invalid_argument("there are no workers");
    for (int id = 0; id < options.workers; ++id) {
      threads_.emplace_back([state = state_, id] { work(*state, id); });
    }
  }

  ~WorkerPool() { state_->jobs.close(); }

  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  [[nodiscard]] SendStatus submit(Job&& job) {
    return counted([&] { return state_->jobs.send(std::move(job)); });
  }
  [[nodiscard]] SendStatus try_submit(Job&& job) {
    return counted([&] { return state_->jobs.try_send(std::move(job)); });
  }

  ShutdownReport shutdown(ShutdownLimits limits) {
    if (t_state == state_.get()) throw std::logic_error("shutdown() was called by a job");
    const std::lock_guard one_at_a_time(shutdown_mutex_);
    if (report_) return *report_;
    ShutdownReport report = shut_down(limits);
    report_ = ShutdownReport{.outcome = report.outcome, .still_running = report.still_running};
    return report;
  }

 private:
  // Shared with the threads, which may outlive the pool.
  struct State {
    State(std::size_t capacity, JobHandler on_job, JobFinished on_finished)
        : handler(std::move(on_job)), finished(std::move(on_finished)), jobs(capacity) {}

    const JobHandler handler;
    const JobFinished finished;
    Channel<Job> jobs;
    std::stop_source stop;
    std::mutex mutex;  // guards everything below
    std::condition_variable changed;
    std::size_t unfinished = 0;          // submitted, and neither finished nor handed back
    std::map<int, std::string> running;  // the id of each worker's job
    bool asked = false;                  // the jobs to stop, and their stop callbacks have returned
  };

  static void work(State& state, int id) {
    t_state = &state;
    const auto set_name = [&](const Job& job) {
      const std::lock_guard lock(state.mutex);
      state.running[id] = job.id;
      state.changed.notify_all();
    };
    const JobHandler handler = [&](const Job& job, std::stop_token stop) {
      set_name(job);
      return state.handler(job, std::move(stop));
    };
    const JobFinished finished = [&](const Job& job, const JobResult& result) {
      set_name(job);  // one that was canceled before it started has none yet
      state.finished(job, result);
      const std::lock_guard lock(state.mutex);
      state.running.erase(id);
      --state.unfinished;
      state.changed.notify_all();
    };
    run_worker(state.jobs, handler, finished, state.stop.get_token());
  }

  template <class Send>
  SendStatus counted(Send send) {
    {
      const std::lock_guard lock(state_->mutex);
      ++state_->unfinished;
    }
    const SendStatus status = send();
    if (status == SendStatus::kSent) return status;
    const std::lock_guard lock(state_->mutex);
    --state_->unfinished;
    state_->changed.notify_all();
    return status;
  }

  ShutdownReport shut_down(ShutdownLimits limits) {
    ShutdownReport report;
    state_->jobs.close();
    std::unique_lock lock(state_->mutex);
    const auto finished = [this] { return state_->unfinished == 0; };
    if (!wait_for(lock, limits.drain, finished)) {
      lock.unlock();
      report.not_started = state_->jobs.close_and_take_pending();
      lock.lock();
      state_->unfinished -= report.not_started.size();
      cancel(report, limits.cancel, lock);
    }
    lock.unlock();
    threads_.clear();
    return report;
  }

  // Returns whether `done` was true within the limit.
  template <class Condition>
  bool wait_for(std::unique_lock<std::mutex>& lock, std::chrono::nanoseconds limit,
                Condition done) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!done()) {
      if (state_->changed.wait_until(lock, deadline) == std::cv_status::timeout) return false;
    }
    return true;
  }

  // Adds the id of each job that has not finished.
  void name_jobs(ShutdownReport& report) {
    for (const auto& [id, job] : state_->running) report.still_running.push_back(job);
    if (report.still_running.size() < state_->unfinished) {
      report.still_running.resize(state_->unfinished, "?");
    }
  }

  void detach_all() {
    for (std::jthread& thread : threads_) thread.detach();
  }

  void cancel(ShutdownReport& report, std::chrono::nanoseconds limit,
              std::unique_lock<std::mutex>& lock) {
    report.outcome = ShutdownOutcome::kCancelled;
    // The stop callbacks of the jobs may block.
    std::thread canceler([state = state_] {
      state->stop.request_stop();
      const std::lock_guard asked_lock(state->mutex);
      state->asked = true;
      state->changed.notify_all();
    });
    const auto ended = [this] { return state_->unfinished == 0 && state_->asked; };
    if (wait_for(lock, limit, ended)) {
      lock.unlock();
      canceler.join();
      lock.lock();
      return;
    }
    // A worker may have received a job and not named it yet, and the canceler may be about to end.
    state_->changed.wait_for(lock, std::chrono::milliseconds(100), [&] {
      return ended() || (state_->unfinished > 0 && state_->running.size() == state_->unfinished);
    });
    name_jobs(report);
    const bool all_ended = ended();
    if (!all_ended) report.outcome = ShutdownOutcome::kAbandoned;
    if (!all_ended) detach_all();
    lock.unlock();
    all_ended ? canceler.join() : canceler.detach();
    lock.lock();
  }

  static inline thread_local const State* t_state = nullptr;

  const std::shared_ptr<State> state_;
  std::mutex shutdown_mutex_;
  std::optional<ShutdownReport> report_;  // guarded by shutdown_mutex_
  std::vector<std::jthread> threads_;     // last: joined before the rest is destroyed
};

}  // namespace your_pool
