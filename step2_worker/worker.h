// worker(): the loop of one thread that handles jobs from a channel.
//
//   auto [jobs, queue] = make_channel<Job>(100);
//   WaitGroup group;
//   std::jthread thread(worker, 1, queue, group.add(), handler, observer, Context());
#pragma once

#include <memory>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/observer.h"
#include "step2_worker/wait_group.h"

namespace worker_pool {

// Handles jobs until the channel is closed and drained (empty). Blocks while the channel is open
// and empty. Meant to be a thread's function.
//
//  1. Each received job is reported to `observer` exactly once, whether it succeeds, fails or
//     throws. Then the worker receives the next one. (WP-04)
//  2. A job is not started if its own context has ended, or the pool's for another reason than
//     kShutDown. It is reported with the reason. (WP-09) During a shutdown, a job that was received
//     starts, with its context ended. So each job reaches its handler or is handed back, unless its
//     own context has ended or there is no memory to link the two.
//  3. Canceling the pool does not end the loop. Closing the channel does.
//  4. `done` is released after this worker's copies of the handler and the observer have been
//     destroyed. So when a wait for the group has succeeded, this worker runs no user code, with
//     one exception: its copies of `queue` live until its thread exits, so the destructor of a
//     ChannelQueue of your own may run later. The code that starts the thread must not keep a copy
//     of the handler either. std::jthread(worker, ...), as above, may keep one until the thread has
//     exited; start_workers() of step 3 does not.
//  5. The worker owns everything it uses, so it may outlive the code that started it.
//  6. A job that ends its own thread, with pthread_exit() for example, ends the worker:
//     forced_unwind.h. (WP-04)
//
// `id` is the worker's number in reports. `observer` may be null.
void worker(int id, Receiver<Job> queue, WaitGroup::Token done, JobHandler handler,
            std::shared_ptr<Observer> observer, Context pool_ctx);

}  // namespace worker_pool
