// Boost.Asio's thread_pool. Unbounded: post() never blocks.
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_future.hpp>
#include <cstddef>
#include <utility>

#include "program.h"
#include "workload.h"

namespace worker_pool::benchmarks {
namespace {

template <class T>
class AsioPool {
 public:
  AsioPool(int workers, bool) : pool_(static_cast<std::size_t>(workers)) {}

  void submit(T&& job) {
    boost::asio::post(pool_, [job = std::move(job)] { handle(job); });
  }

  void submit_and_wait(T&& job) {
    const auto done = [job = std::move(job)] { handle(job); };
    boost::asio::post(pool_, boost::asio::use_future(done)).get();
  }

  void finish() { pool_.join(); }

 private:
  boost::asio::thread_pool pool_;
};

}  // namespace
}  // namespace worker_pool::benchmarks

int main(int argc, char** argv) {
  using namespace worker_pool::benchmarks;
  return run_program(argc, argv, {entry<AsioPool>("pool")});
}
