#include "full_pattern/retry/retrier.h"

#include <memory>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "full_pattern/retry/retry_queue.h"
#include "full_pattern/worker_pool.h"

namespace worker_pool {

Retrier::Retrier(std::shared_ptr<RetryQueue> queue, WorkerPool& pool)
    : queue_(std::move(queue)), pool_(pool) {
  if (!queue_) throw std::invalid_argument("Retrier: the queue is null");
  if (queue_->attached()) throw std::logic_error("Retrier: the queue has a Retrier or had one");
  thread_ = std::jthread([this] { queue_->resubmit_to(pool_); });
  queue_->attach();  // only now: without the thread, no job may wait
}

Retrier::~Retrier() {
  if (pool_.in_forked_child()) {
    // Kept forever: the thread is not there, and a lock may stay locked forever.
    (void)std::make_unique<std::jthread>(std::move(thread_)).release();
    return;
  }
  queue_->stop();  // then joins the thread, which returns at once
}

std::vector<WaitingJob> Retrier::stop() {
  queue_->stop();  // from here on no job is added or submitted again
  return queue_->take();
}

}  // namespace worker_pool
