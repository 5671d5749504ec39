#include "full_pattern/observers/observe_with.h"

#include <memory>
#include <utility>
#include <vector>

#include "step1_job/job.h"
#include "step2_worker/forced_unwind.h"
#include "step2_worker/observer.h"

namespace worker_pool {
namespace {

class Several final : public Observer {
 public:
  explicit Several(std::vector<std::shared_ptr<Observer>> observers)
      : observers_(std::move(observers)) {}

  void job_started(int worker, const Job& job) override {
    notify_each([&](Observer& observer) { observer.job_started(worker, job); });
  }

  void job_finished(int worker, const Job& job, const JobResult& result) override {
    notify_each([&](Observer& observer) { observer.job_finished(worker, job, result); });
  }

 private:
  template <class Notify>
  void notify_each(Notify notify) {
    for (const auto& observer : observers_) {
      try {
        notify(*observer);
      } catch (...) {  // dropped, as a worker would: see Observer
        rethrow_forced_unwind();
      }
    }
  }

  const std::vector<std::shared_ptr<Observer>> observers_;
};

}  // namespace

std::shared_ptr<Observer> observe_with(std::vector<std::shared_ptr<Observer>> observers) {
  std::erase(observers, nullptr);
  if (observers.empty()) return nullptr;
  return std::make_shared<Several>(std::move(observers));
}

}  // namespace worker_pool
