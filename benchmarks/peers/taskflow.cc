// Taskflow's executor. Unbounded: silent_async() never blocks.
#include <cstddef>
#include <taskflow/taskflow.hpp>
#include <utility>

#include "program.h"
#include "workload.h"

namespace worker_pool::benchmarks {
namespace {

template <class T>
class TaskflowExecutor {
 public:
  TaskflowExecutor(int workers, bool) : executor_(static_cast<std::size_t>(workers)) {}

  void submit(T&& job) {
    executor_.silent_async([job = std::move(job)] { handle(job); });
  }

  void submit_and_wait(T&& job) {
    executor_.async([job = std::move(job)] { handle(job); }).get();
  }

  void finish() { executor_.wait_for_all(); }

 private:
  tf::Executor executor_;
};

}  // namespace
}  // namespace worker_pool::benchmarks

int main(int argc, char** argv) {
  using namespace worker_pool::benchmarks;
  return run_program(argc, argv, {entry<TaskflowExecutor>("executor")});
}
