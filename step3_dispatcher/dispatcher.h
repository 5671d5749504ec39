// The dispatcher: starts the workers before any job is accepted, and hands back what the owner
// needs: where to send jobs, and how to wait for the workers.
//
//   {
//     Workers pool = start_workers(3, handler, observer);
//     if (pool.jobs.send(std::move(job)) != SendStatus::kSent) refuse();
//   }  // closes the channel, waits until every queued job is done, joins the threads
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/wait_group.h"
#include "step2_worker/worker.h"
#include "step3_dispatcher/running_jobs.h"

namespace worker_pool {

// Running workers and everything their owner needs. Move-only; one that was
// moved to another Workers is for destruction only.
//
// Leaving the scope closes the channel, waits until the workers have done what is queued, and joins
// them. It takes as long as that takes; step 4 puts a limit on it. All members are there until the
// last thread has ended, since a job may use `jobs` to its very end.
struct Workers {
  Workers(int count, std::shared_ptr<Observer> observer, Sender<Job> jobs);
  Workers(Workers&&) noexcept = default;
  Workers& operator=(Workers&&) = delete;  // would join the old threads before it closes their jobs

  // Closes, drains, joins. Must not run inside one of its own jobs while there are threads to join:
  // a thread cannot join itself (WP-15). Ends the program with a message that says so
  // (std::terminate).
  ~Workers();

  std::vector<std::jthread> threads;
  std::stop_source stop;  // request_stop() cancels every job, running or queued (WP-19)
  WaitGroup group;        // empty once every worker has left
  std::shared_ptr<RunningJobs> running;
  Sender<Job> jobs;  // to be lent by reference: without it, nobody here could close the channel
};

// How to start one worker's thread: calls worker() with these arguments on a thread of its own.
// For those who want to name their threads or pin them, and for tests in which one cannot start.
// The thread it returns is joinable.
using StartThread = std::function<std::jthread(int id, Receiver<Job>, WaitGroup::Token, JobHandler,
                                               std::shared_ptr<Observer>, Context pool)>;
std::jthread start_thread(int id, Receiver<Job> jobs, WaitGroup::Token done, JobHandler handler,
                          std::shared_ptr<Observer> observer, Context pool);

// Starts `count` workers, numbered from 1, on a channel with room for `capacity` waiting jobs.
// Each worker has its own copy of the handler; all share the observer, which may be null.
//
// Throws std::invalid_argument when count < 1, capacity is 0 or the handler is empty. When a
// thread cannot be started (std::system_error), the ones before it are joined and the error is
// passed on: it is all of them or none.
[[nodiscard]] Workers start_workers(int count, JobHandler handler,
                                    std::shared_ptr<Observer> observer, std::size_t capacity = 100,
                                    const StartThread& start = start_thread);

// The same on a channel that is there already, of whatever kind. If it throws, the channel is
// closed.
[[nodiscard]] Workers start_workers(int count, JobHandler handler,
                                    std::shared_ptr<Observer> observer,
                                    std::pair<Sender<Job>, Receiver<Job>> channel,
                                    const StartThread& start = start_thread);

}  // namespace worker_pool
