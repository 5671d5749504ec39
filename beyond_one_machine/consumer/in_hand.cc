#include "consumer/in_hand.h"

#include <utility>

namespace worker_pool {

bool JobsInHand::add(JobInHand&& job) {
  const std::lock_guard lock(mutex_);
  const std::string id = job.delivery.id;
  return jobs_.try_emplace(id, std::move(job)).second;
}

std::optional<Attempts> JobsInHand::start(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return std::nullopt;
  JobInHand& job = found->second;
  job.started = true;
  if (job.delivery.number == 1) return std::nullopt;
  return job.attempts;
}

std::optional<JobInHand> JobsInHand::take(const std::string& id) {
  const std::lock_guard lock(mutex_);
  auto node = jobs_.extract(id);
  if (node.empty()) return std::nullopt;
  fewer_.notify_all();
  return std::move(node.mapped());
}

void JobsInHand::extend() {
  const std::lock_guard lock(mutex_);
  const Clock::time_point now = Clock::now();
  for (const auto& [id, job] : jobs_) {
    if (now < job.extend_until) job.delivery.extend();
  }
}

void JobsInHand::wait_for_size(std::size_t count, const Context& ctx) const {
  const auto are_few = [&] { return jobs_.size() <= count; };
  std::unique_lock lock(mutex_);
  if (ctx.deadline() != Clock::time_point::max()) {
    fewer_.wait_until(lock, ctx.stop_token(), ctx.deadline(), are_few);
  } else {
    fewer_.wait(lock, ctx.stop_token(), are_few);
  }
}

std::size_t JobsInHand::size() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

}  // namespace worker_pool
