// A pool with one worker, which runs the jobs one after another on its own thread.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "testing/lab/lab.h"

namespace worker_pool {

using Job = std::function<void()>;

class Pool {
 public:
  Pool() {
    worker_ = lab::thread("worker", [state = state_] { state->run(); });
  }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // Asks the worker to exit once no job is left, and waits for at most a minute until it has.
  ~Pool() {
    std::unique_lock lock(state_->mutex);
    state_->closed = true;
    state_->work_ready.notify_one();
    const bool exits = state_->exiting_changed.wait_for(lock, std::chrono::minutes(1),
                                                        [this] { return state_->exiting; });
    lock.unlock();
    if (exits) {
      worker_.join();
    } else {
      worker_.detach();
    }
  }

  void submit(Job job) {
    {
      const std::lock_guard lock(state_->mutex);
      state_->jobs.push_back(std::move(job));
    }
    state_->work_ready.notify_one();
  }

 private:
  // Owned by the pool and by its worker, so it lives as long as either.
  struct State {
    // The worker's thread runs this function.
    void run() {
      while (const std::optional<Job> job = next()) (*job)();
      {
        const std::lock_guard lock(mutex);
        exiting = true;
      }
      exiting_changed.notify_one();
    }

    // Blocks until there is a job. Returns nullopt when closed and no job is left.
    std::optional<Job> next() {
      std::unique_lock lock(mutex);
      work_ready.wait(lock, [this] { return closed || !jobs.empty(); });
      if (jobs.empty()) return std::nullopt;
      Job job = std::move(jobs.front());
      jobs.pop_front();
      return job;
    }

    lab::mutex mutex;
    lab::condition_variable work_ready{"work_ready"};
    lab::condition_variable exiting_changed{"exiting"};
    std::deque<Job> jobs;  // guarded by mutex
    bool closed = false;   // guarded by mutex
    bool exiting = false;  // guarded by mutex
  };

  const std::shared_ptr<State> state_ = std::make_shared<State>();
  lab::thread worker_;
};

}  // namespace worker_pool
