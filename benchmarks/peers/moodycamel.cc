// moodycamel::BlockingConcurrentQueue with threads of our own. Unbounded: enqueue() never blocks.
#include <concurrentqueue/moodycamel/blockingconcurrentqueue.h>

#include <cstddef>
#include <cstdlib>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "program.h"
#include "workload.h"

namespace worker_pool::benchmarks {
namespace {

// The queue cannot be closed, so finish() sends one empty value to each worker.
template <class T>
class MoodycamelQueue {
 public:
  MoodycamelQueue(int workers, bool answers) {
    for (int i = 0; i < workers; ++i) threads_.emplace_back([this, answers] { serve(answers); });
  }

  void submit(T&& job) {
    if (!jobs_.enqueue(std::move(job))) std::abort();  // no memory
  }

  void submit_and_wait(T&& job) {
    submit(std::move(job));
    bool answer = false;
    answers_.wait_dequeue(answer);
  }

  void finish() {
    for (std::size_t i = 0; i < threads_.size(); ++i) jobs_.enqueue(std::nullopt);
    threads_.clear();
  }

 private:
  void serve(bool answers) {
    std::optional<T> job;
    while (true) {
      jobs_.wait_dequeue(job);
      if (!job) break;
      handle(*job);
      if (answers) answers_.enqueue(true);
    }
    // The queue keeps the order of each producer only. Jobs of other producers may follow the empty
    // value, and so may the empty values that other workers need.
    std::size_t for_others = 0;
    while (jobs_.try_dequeue(job)) {
      if (job) {
        handle(*job);
      } else {
        ++for_others;
      }
    }
    for (; for_others > 0; --for_others) jobs_.enqueue(std::nullopt);
  }

  moodycamel::BlockingConcurrentQueue<std::optional<T>> jobs_;
  moodycamel::BlockingConcurrentQueue<bool> answers_;
  std::vector<std::jthread> threads_;
};

}  // namespace
}  // namespace worker_pool::benchmarks

int main(int argc, char** argv) {
  using namespace worker_pool::benchmarks;
  return run_program(argc, argv, {entry<MoodycamelQueue>("queue")});
}
