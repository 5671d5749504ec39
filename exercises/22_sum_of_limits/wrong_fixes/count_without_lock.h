// A service of several stages, each a worker with a queue, and its shutdown within a time limit.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "testing/lab/lab.h"

namespace worker_pool {

using Job = std::function<void()>;
using Duration = lab::steady_clock::duration;

class Stage {
 public:
  Stage() = default;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage() { close(); }  // after that, ~jthread joins worker_

  // Returns false after close(): the job will not run.
  bool submit(Job job) {
    const std::lock_guard lock(mutex_);
    if (closed_) return false;
    jobs_.push_back(std::move(job));
    ++unfinished_;
    work_ready_.notify_one();
    return true;
  }

  // Accepts no more jobs. The worker exits when it has finished those that were accepted.
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    work_ready_.notify_one();
  }

  // Blocks until every job has finished, for at most `limit`. Returns whether they have.
  bool wait_for(Duration limit) {
    std::unique_lock lock(mutex_);
    return idle_.wait_for(lock, limit, [this] { return unfinished_ == 0; });
  }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      work_ready_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      Job job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
      job = nullptr;  // destroys what it owns before it counts as finished
      if (--unfinished_ == 0) idle_.notify_all();
      lock.lock();
    }
  }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  lab::condition_variable idle_{"idle"};
  std::deque<Job> jobs_;                               // guarded by mutex_
  lab::atomic<int> unfinished_{0, "unfinished jobs"};  // queued or running
  bool closed_ = false;                                // guarded by mutex_
  lab::jthread worker_{"worker", [this] { run(); }};
};

// Shuts the stages down one after another, because the jobs of each submit jobs to the next: closes
// a stage, waits until its jobs have finished, and reports its index and whether they have. Returns
// when `grace` is over at the latest; a stage that is late by then is closed all the same.
inline void shut_down(const std::vector<Stage*>& stages, Duration grace,
                      const std::function<void(std::size_t, bool)>& report) {
  const auto deadline = lab::steady_clock::now() + grace;
  for (std::size_t i = 0; i < stages.size(); ++i) {
    stages[i]->close();
    report(i, stages[i]->wait_for(deadline - lab::steady_clock::now()));
  }
}

}  // namespace worker_pool
