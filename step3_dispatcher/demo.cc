// Starts workers before the first job is sent, leaves their scope, which drains and joins, and then
// shows what happens when one of the threads cannot be started.
#include <atomic>
#include <iostream>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/wait_group.h"
#include "step2_worker/worker.h"
#include "step3_dispatcher/dispatcher.h"

namespace worker_pool {
namespace {

JobResult succeed(const Job&, const Context&) { return {}; }

class Counter : public Observer {
 public:
  void job_finished(int /*worker*/, const Job& /*job*/, const JobResult& /*result*/) override {
    ++done;
  }

  std::atomic<int> done = 0;
};

void show_that_leaving_the_scope_drains() {
  const auto counter = std::make_shared<Counter>();
  {
    Workers workers = start_workers(3, succeed, counter);
    std::cout << workers.threads.size() << " workers started, no job sent yet\n";
    for (int id = 1; id <= 9; ++id) {
      if (workers.jobs.send(Job{.id = std::to_string(id)}) != SendStatus::kSent) return;
    }
    std::cout << workers.jobs.stats().sent << " jobs sent\n";
  }
  std::cout << counter->done << " jobs finished when the scope was left\n";
}

void show_that_all_start_or_none() {
  std::atomic<int> left = 0;
  const StartThread third_fails = [&left](int id, auto... args) {
    if (id == 3)
      throw std::system_error(std::make_error_code(std::errc::resource_unavailable_try_again));
    return std::jthread([&left, id, ... args = std::move(args)]() mutable {
      worker(id, std::move(args)...);
      ++left;
    });
  };
  try {
    const Workers workers = start_workers(5, succeed, nullptr, 100, third_fails);
  } catch (const std::system_error& e) {
    std::cout << "Worker 3 of 5 cannot start: " << e.what() << "; the " << left
              << " that had started have left\n";
  }
}

}  // namespace
}  // namespace worker_pool

int main() {
  worker_pool::show_that_leaving_the_scope_drains();
  worker_pool::show_that_all_start_or_none();
}
