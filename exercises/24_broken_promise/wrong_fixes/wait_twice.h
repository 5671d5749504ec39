// A pool whose jobs return a number, and its shutdown. The caller that submits a job waits for its
// answer at a reply, which is what a std::promise and its std::future share.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "testing/lab/lab.h"

namespace worker_pool {

enum class Status {
  kDone,        // the job has returned a value
  kFailed,      // the job has thrown
  kNotStarted,  // the pool was shut down, and the job has not run and never will
};

struct Answer {
  Status status;
  int value = 0;  // for kDone
};

class Reply {
 public:
  // Blocks until there is an answer.
  Answer get() {
    std::unique_lock lock(mutex_);
    if (!answer_) answered_.wait(lock);
    if (!answer_) answered_.wait(lock);  // the first wake-up was for no reason
    return answer_.value_or(Answer{.status = Status::kNotStarted});
  }

  void set(Answer answer) {
    const std::lock_guard lock(mutex_);
    answer_ = answer;
    answered_.notify_all();
  }

 private:
  lab::mutex mutex_;
  lab::condition_variable answered_{"answered"};
  std::optional<Answer> answer_;  // guarded by mutex_
};

using Work = std::function<int()>;

class Pool {
 public:
  Pool() : worker_("worker", [this] { run(); }) {}
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() { shutdown(); }

  // Does not block. Any thread may call this at any time, and so may a job.
  std::shared_ptr<Reply> submit(Work work) {
    auto reply = std::make_shared<Reply>();
    const std::lock_guard lock(mutex_);
    if (closed_) {
      reply->set({.status = Status::kNotStarted});
      return reply;
    }
    jobs_.push_back({.work = std::move(work), .reply = reply});
    work_ready_.notify_one();
    return reply;
  }

  // Lets the running job finish, and drops the jobs that are still queued.
  void shutdown() {
    std::deque<Job> dropped;
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
      dropped.swap(jobs_);
    }
    work_ready_.notify_one();
    // Before the join: the running job may wait for one of these answers.
    for (const Job& job : dropped) job.reply->set({.status = Status::kNotStarted});
    if (worker_.joinable()) worker_.join();
  }

 private:
  struct Job {
    Work work;
    std::shared_ptr<Reply> reply;
  };

  void run() {
    while (const std::optional<Job> job = next()) job->reply->set(answer_of(job->work));
  }

  static Answer answer_of(const Work& work) {
    try {
      return {.status = Status::kDone, .value = work()};
    } catch (...) {
      return {.status = Status::kFailed};
    }
  }

  // Blocks until there is a job. Returns nullopt when the pool is closed.
  std::optional<Job> next() {
    std::unique_lock lock(mutex_);
    work_ready_.wait(lock, [this] { return closed_ || !jobs_.empty(); });
    if (jobs_.empty()) return std::nullopt;
    Job job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  lab::mutex mutex_;
  lab::condition_variable work_ready_{"work_ready"};
  std::deque<Job> jobs_;  // guarded by mutex_
  bool closed_ = false;   // guarded by mutex_
  lab::thread worker_;    // declared last: it uses the other members
};

}  // namespace worker_pool
