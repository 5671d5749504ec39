#include "step3_dispatcher/dispatcher.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace worker_pool {

Workers::Workers(int count, std::shared_ptr<Observer> observer, Sender<Job> sender)
    : running(std::make_shared<RunningJobs>(count, std::move(observer))), jobs(std::move(sender)) {
  threads.reserve(static_cast<std::size_t>(count) + 1);  // + 1: shutdown() adds a thread
}

Workers::~Workers() {
  if (running && running->in_forked_child()) {
    // Kept forever: to close the channel or to join a thread could block forever.
    (void)std::make_unique<Workers>(std::move(*this)).release();
    return;
  }
  if (has_this_thread()) {
    std::fputs(
        "Workers: destroyed inside one of its own jobs; a thread cannot join itself. "
        "The owner of a pool must outlive the pool's jobs.\n",
        stderr);
    std::terminate();
  }
  jobs.close();  // lets the workers exit; `threads` is destroyed next, and joins them (WP-21)
}

bool Workers::has_this_thread() const {
  const auto is_this = [](const std::jthread& thread) {
    return thread.get_id() == std::this_thread::get_id();
  };
  return std::ranges::any_of(threads, is_this);
}

std::jthread start_thread(int id, Receiver<Job> queue, WaitGroup::Token done, JobHandler handler,
                          std::shared_ptr<Observer> observer, Context pool_ctx) {
  // Not std::jthread(worker, id, ...): that keeps a copy of the handler until the thread exits, but
  // worker() destroys its handler before it leaves the group.
  auto run = [id, queue = std::move(queue), done = std::move(done), handler = std::move(handler),
              observer = std::move(observer), pool_ctx = std::move(pool_ctx)]() mutable {
    worker(id, std::move(queue), std::move(done), std::exchange(handler, nullptr),
           std::move(observer), std::move(pool_ctx));
  };
  try {
    return std::jthread(std::move(run));
  } catch (const std::system_error& e) {
    throw std::system_error(
        e.code(), "start_workers: cannot start the thread of worker " + std::to_string(id));
  }
}

Workers start_workers(int count, JobHandler handler, std::shared_ptr<Observer> observer,
                      std::size_t capacity, const StartThread& start) {
  return start_workers(count, std::move(handler), std::move(observer), make_channel<Job>(capacity),
                       start);
}

Workers start_workers(int count, JobHandler handler, std::shared_ptr<Observer> observer,
                      std::pair<Sender<Job>, Receiver<Job>> channel, const StartThread& start) {
  if (count < 1) {
    throw std::invalid_argument("start_workers: count is " + std::to_string(count) +
                                ", it must be at least 1");
  }
  if (count > kMaxWorkers) {
    throw std::invalid_argument("start_workers: count is " + std::to_string(count) +
                                ", it must be at most " + std::to_string(kMaxWorkers));
  }
  if (!handler) throw std::invalid_argument("start_workers: the handler is empty");

  auto& [sender, receiver] = channel;
  Workers workers(count, std::move(observer), std::move(sender));
  const Context pool_ctx = workers.stop.context();
  for (int id = 1; id <= count; ++id) {
    // If this throws, ~Workers closes the channel and joins the workers that have started. (WP-49)
    workers.threads.push_back(
        start(id, receiver, workers.group.add(), handler, workers.running, pool_ctx));
  }
  return workers;
}

}  // namespace worker_pool
