// The course's own contestants: threads on a channel, and the whole WorkerPool, each with the
// simple and with the fast channel.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "full_pattern/fast_channel/fast_channel.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/worker.h"
#include "workload.h"

namespace worker_pool::benchmarks {

struct Simple {
  template <class T>
  static auto make(std::size_t capacity) {
    return make_channel<T>(capacity);
  }
  static constexpr ChannelKind kKind = ChannelKind::kSimple;
};

struct Fast {
  template <class T>
  static auto make(std::size_t capacity) {
    return make_fast_channel<T>(capacity);
  }
  static constexpr ChannelKind kKind = ChannelKind::kFast;
};

inline void must_be_sent(SendStatus status) {
  if (status != SendStatus::kSent) std::abort();
}

// Threads that receive from one channel, as in step 2. Bounded.
//
// With `returns`, for full jobs, the workers hand payloads back on a second channel. Memory is then
// allocated once, and the thread that allocated it reuses it.
template <class Channel, class T, bool returns = false>
class OnChannel {
 public:
  OnChannel(int workers, bool answers) {
    for (int i = 0; i < workers; ++i) {
      threads_.emplace_back([this, answers, queue = jobs_.second] {
        std::optional<T> job;
        while (queue.receive_into(job)) {
          handle(*job);
          if constexpr (returns) (void)returns_.first.try_send(std::move(job->payload));
          if (answers) must_be_sent(answers_.first.send(true));
        }
      });
    }
  }

  std::vector<std::byte> spare_payload()
    requires returns
  {
    return returns_.second.try_receive().value_or(std::vector<std::byte>());
  }

  void submit(T&& job) { must_be_sent(jobs_.first.send(std::move(job))); }

  void submit_and_wait(T&& job) {
    submit(std::move(job));
    (void)answers_.second.receive();
  }

  void finish() {
    jobs_.first.close();
    threads_.clear();  // joins them
  }

 private:
  std::pair<Sender<T>, Receiver<T>> jobs_ = Channel::template make<T>(kCapacity);
  std::pair<Sender<bool>, Receiver<bool>> answers_ = Channel::template make<bool>(kCapacity);
  std::pair<Sender<std::vector<std::byte>>, Receiver<std::vector<std::byte>>> returns_ =
      Channel::template make<std::vector<std::byte>>(returns ? 2 * kCapacity : 1);
  std::vector<std::jthread> threads_;
};

// The whole pool: it links contexts, catches exceptions, counts jobs and shuts down within limits.
// Bounded. For a ping-pong, a channel reports that a job is done.
template <class Channel>
class WholePool {
 public:
  WholePool(int workers, bool answers, std::shared_ptr<Observer> observer = nullptr)
      : pool_(
            {.workers = workers, .capacity = kCapacity, .channel = Channel::kKind},
            [this, answers](const Job& job, const Context&) {
              handle(job);
              if (answers) must_be_sent(answers_.first.send(true));
              return JobResult();
            },
            std::move(observer)) {}

  void submit(Job&& job) { must_be_sent(pool_.submit(std::move(job))); }

  void submit_and_wait(Job&& job) {
    submit(std::move(job));
    (void)answers_.second.receive();
  }

  void finish() { (void)pool_.shutdown({.drain = kForever}); }

 private:
  std::pair<Sender<bool>, Receiver<bool>> answers_ = Channel::template make<bool>(kCapacity);
  WorkerPool pool_;
};

template <class T>
using OnSimpleChannel = OnChannel<Simple, T>;
template <class T>
using OnFastChannel = OnChannel<Fast, T>;
using WithReturns = OnChannel<Fast, Job, true>;

}  // namespace worker_pool::benchmarks
