// The dispatcher: starts the workers before the first job is accepted, and returns what their owner
// needs.
//
//   {
//     Workers pool = start_workers(3, handler, observer);
//     if (pool.jobs.send(std::move(job)) != SendStatus::kSent) refuse();
//   }  // closes the channel, waits until every queued job has finished, joins the threads
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
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

// Running workers, and everything their owner needs: a channel to send jobs to, a group to wait
// for, a stop source to cancel with, and the threads.
//
// 1. Leaving the scope closes the channel, drains it and joins the threads, in that order. That
//    blocks until every queued job has finished, without a limit; shutdown() of step 4 has one.
//    (The jobs are dropped if all workers were ended by their jobs: forced_unwind.h.)
// 2. Every member outlives the threads that are joined, so a running job may use the other members
//    until it returns. A job that shutdown() abandons may not: it can outlive all of them.
// 3. A moved-from Workers has no threads and a closed channel, and can only be destroyed. Do not
//    move a Workers that another thread refers to, such as that of a running job.
// 4. A running job must not destroy its own Workers, nor must the destructor of a worker's handler:
//    a thread cannot join itself, so the program prints a message and calls std::terminate().
//    (WP-15) An abandoned one may, because shutdown() leaves no thread to join.
// 5. Other threads may use every member except `threads`, which belongs to the owner.
// 6. In a child process of fork() nothing may be used. There, the destructor moves all members to
//    memory that is never freed, and does nothing else. (WP-36)
struct Workers {
  Workers(int count, std::shared_ptr<Observer> observer, Sender<Job> jobs);
  Workers(Workers&&) noexcept = default;
  Workers& operator=(Workers&&) = delete;  // its old jobs could still use what it overwrites
  ~Workers();

  // Whether the calling thread is one of `threads`. For the owner only. O(threads).
  bool has_this_thread() const;

  // request_stop() cancels every job, running or queued. (WP-19) request_shut_down() is for
  // shutdown() of step 4, which takes the queued jobs back first. A job that a worker has received
  // by then still starts.
  ContextSource stop;
  WaitGroup group;  // empty once every worker has left
  std::shared_ptr<RunningJobs> running;
  Sender<Job> jobs;  // lend it by reference: if it moves away, ~Workers cannot close it
  std::vector<std::jthread> threads;  // last: joined before any other member is destroyed (WP-21)
};

// Starts the thread of one worker: it runs worker() with these arguments. Returns a joinable
// thread. Replace it to name or pin the threads, or to let one fail in a test.
using StartThread = std::function<std::jthread(int id, Receiver<Job>, WaitGroup::Token, JobHandler,
                                               std::shared_ptr<Observer>, Context pool_ctx)>;

// The default. Throws std::system_error with the worker's number when the system has no thread.
std::jthread start_thread(int id, Receiver<Job> queue, WaitGroup::Token done, JobHandler handler,
                          std::shared_ptr<Observer> observer, Context pool_ctx);

// A larger count is surely a mistake, and is refused before it takes memory. Linux could not start
// more threads by default: vm.max_map_count (proc_sys_vm(5)) limits the mappings for their stacks.
inline constexpr int kMaxWorkers = 32'768;

// Starts `count` workers, numbered from 1, on a channel that holds up to `capacity` waiting jobs.
// Each worker has its own copy of the handler. All share the observer, which may be null.
//
// Starts all workers or none: if a thread cannot be started (std::system_error) or the handler
// cannot be copied, it joins those that did start and passes the exception on. Throws
// std::invalid_argument when count is not from 1 to kMaxWorkers, capacity is 0 or the handler is
// empty.
Workers start_workers(int count, JobHandler handler, std::shared_ptr<Observer> observer,
                      std::size_t capacity = 100, const StartThread& start = start_thread);

// The same on an existing channel, of any kind. If it throws, it closes the channel. Jobs that were
// queued may have run by then: the workers that did start drain the channel first, which has no
// time limit.
//
// These workers must be the only receivers of the channel, from its first job on. shutdown() could
// not tell a job of another receiver from one that a worker is running.
Workers start_workers(int count, JobHandler handler, std::shared_ptr<Observer> observer,
                      std::pair<Sender<Job>, Receiver<Job>> channel,
                      const StartThread& start = start_thread);

}  // namespace worker_pool
