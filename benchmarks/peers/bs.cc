// BS::thread_pool. Unbounded: detach_task() never blocks.
#include <BS_thread_pool.hpp>
#include <cstddef>
#include <utility>

#include "program.h"
#include "workload.h"

namespace worker_pool::benchmarks {
namespace {

template <class T>
class BsPool {
 public:
  BsPool(int workers, bool) : pool_(static_cast<std::size_t>(workers)) {}

  void submit(T&& job) {
    pool_.detach_task([job = std::move(job)] { handle(job); });
  }

  void submit_and_wait(T&& job) {
    pool_.submit_task([job = std::move(job)] { handle(job); }).get();
  }

  void finish() { pool_.wait(); }

 private:
  BS::thread_pool<> pool_;
};

}  // namespace
}  // namespace worker_pool::benchmarks

int main(int argc, char** argv) {
  using namespace worker_pool::benchmarks;
  return run_program(argc, argv, {entry<BsPool>("pool")});
}
