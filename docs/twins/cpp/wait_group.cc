// The twin of docs/twins/go/wait_group.go.
#include "step2_worker/wait_group.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <future>
#include <iostream>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

void work(std::size_t id, std::array<std::size_t, 3>& results, WaitGroup::Token) {
  if (id == 2) return;  // the token is released here, too
  results[id - 1] = id * 10;
}

class Resource {
 public:
  explicit Resource(std::string_view name) : name_(name) {}
  Resource(const Resource&) = delete;
  Resource& operator=(const Resource&) = delete;
  ~Resource() { std::cout << name_ << "\n"; }

 private:
  std::string_view name_;
};

void leave() {
  const Resource first("opened first, closed last");
  const Resource last("opened last, closed first");
}

void run() {
  WaitGroup group;
  std::array<std::size_t, 3> results{};
  std::vector<std::jthread> threads;
  for (std::size_t id = 1; id <= 3; ++id) {
    threads.emplace_back(
        [id, &results, done = group.add()]() mutable { work(id, results, std::move(done)); });
  }
  group.wait();
  std::cout << "results: " << results[0] << " " << results[1] << " " << results[2] << "\n";

  std::promise<void> gate;
  threads.emplace_back([opened = gate.get_future(), done = group.add()] { opened.wait(); });
  std::cout << "left within 10 ms: " << group.wait_for(10ms) << "\n";
  gate.set_value();
  std::cout << "left within 5 s: " << group.wait_for(5s) << "\n";
  leave();
}

}  // namespace
}  // namespace worker_pool

int main() {
  std::cout << std::boolalpha;
  worker_pool::run();
}
