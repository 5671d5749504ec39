// The twin of docs/go/leak.go. There is nothing to leak: the wait has a limit and needs no helper,
// and the thread that answers has an owner, who joins it.
#include <chrono>
#include <cstddef>
#include <future>
#include <iostream>
#include <string>
#include <thread>
#include <utility>

#include "step1_job/context.h"
#include "step2_worker/wait_group.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

class Service {
 public:
  std::string ask(Clock::duration limit) {
    std::promise<std::string> promise;
    std::future<std::string> answer = promise.get_future();
    thread_ = std::jthread([this, promise = std::move(promise), done = working_.add()]() mutable {
      slow_.get_future().wait();
      promise.set_value("42");
    });
    return answer.wait_for(limit) == std::future_status::ready ? answer.get() : "timeout";
  }

  void answer() { slow_.set_value(); }
  void join() { thread_.join(); }
  std::size_t working() const { return working_.stats().members; }

 private:
  std::promise<void> slow_;
  WaitGroup working_;
  std::jthread thread_;  // last: it uses what stands above
};

void run() {
  Service service;
  std::cout << "answer within 10 ms: " << service.ask(10ms) << "\n";
  std::cout << "still working: " << service.working() << "\n";
  service.answer();
  service.join();
  std::cout << "left behind: " << service.working() << "\n";
}

}  // namespace
}  // namespace worker_pool

int main() { worker_pool::run(); }
