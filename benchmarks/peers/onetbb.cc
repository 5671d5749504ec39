// Two contestants of oneTBB: its bounded queue with threads of our own, and its task group.
#include <oneapi/tbb/concurrent_queue.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include <cstddef>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "program.h"
#include "workload.h"

namespace worker_pool::benchmarks {
namespace {

// Bounded: push() blocks while the queue is full. The queue cannot be closed and drained (abort()
// does not drain), so finish() sends one empty value to each worker.
template <class T>
class BoundedQueueOfTbb {
 public:
  BoundedQueueOfTbb(int workers, bool answers) {
    jobs_.set_capacity(kCapacity);
    for (int i = 0; i < workers; ++i) threads_.emplace_back([this, answers] { serve(answers); });
  }

  void submit(T&& job) { jobs_.push(std::move(job)); }

  void submit_and_wait(T&& job) {
    submit(std::move(job));
    bool answer = false;
    answers_.pop(answer);
  }

  void finish() {
    for (std::size_t i = 0; i < threads_.size(); ++i) jobs_.push(std::nullopt);
    threads_.clear();
  }

 private:
  void serve(bool answers) {
    std::optional<T> job;
    while (true) {
      jobs_.pop(job);
      if (!job) return;
      handle(*job);
      if (answers) answers_.push(true);
    }
  }

  oneapi::tbb::concurrent_bounded_queue<std::optional<T>> jobs_;
  oneapi::tbb::concurrent_bounded_queue<bool> answers_;
  std::vector<std::jthread> threads_;
};

// Unbounded. The thread that waits for the group also runs tasks: it takes a slot of the arena, and
// in a ping-pong it may run the job itself.
template <class T>
class TaskGroup {
 public:
  TaskGroup(int workers, bool)
      // By default there are no more threads than processors.
      : threads_(oneapi::tbb::global_control::max_allowed_parallelism,
                 static_cast<std::size_t>(workers) + 1),
        arena_(workers + 1) {}

  void submit(T&& job) {
    arena_.execute([&] { group_.run([job = std::move(job)] { handle(job); }); });
  }

  void submit_and_wait(T&& job) {
    submit(std::move(job));
    finish();
  }

  void finish() {
    arena_.execute([this] { group_.wait(); });
  }

 private:
  oneapi::tbb::global_control threads_;
  oneapi::tbb::task_arena arena_;
  oneapi::tbb::task_group group_;
};

}  // namespace
}  // namespace worker_pool::benchmarks

int main(int argc, char** argv) {
  using namespace worker_pool::benchmarks;
  return run_program(argc, argv, {entry<BoundedQueueOfTbb>("queue"), entry<TaskGroup>("tasks")});
}
