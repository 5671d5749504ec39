// The twin of docs/twins/go/leak.go. Nothing can leak: the wait has a timeout and needs no
// helper thread, and the threads that answer have an owner that joins them.
#include <chrono>
#include <cstddef>
#include <future>
#include <iostream>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "step1_job/context.h"
#include "step2_worker/wait_group.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

class Service {
 public:
  ~Service() { answer(); }  // otherwise its threads, which are joined now, would wait forever

  std::string ask(Clock::duration limit) {
    std::promise<std::string> promise;
    std::future<std::string> answer = promise.get_future();
    threads_.emplace_back([slow = Context(slow_.get_token()), promise = std::move(promise),
                           done = working_.add()]() mutable {
      (void)slow.sleep_for(kForever);
      promise.set_value("42");
    });
    return answer.wait_for(limit) == std::future_status::ready ? answer.get() : "timeout";
  }

  void answer() { slow_.request_stop(); }
  void join() { threads_.clear(); }
  std::size_t working() const { return working_.stats().members; }

 private:
  std::stop_source slow_;  // stopped when the service may answer: Go closes a channel
  WaitGroup working_;
  std::vector<std::jthread> threads_;
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
