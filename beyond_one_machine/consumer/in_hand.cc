#include "consumer/in_hand.h"

#include <algorithm>
#include <chrono>
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
  if (job.delivery.number == 1 || job.is_over()) return std::nullopt;
  return job.attempts;
}

std::optional<FoundJob> JobsInHand::find(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = jobs_.find(id);
  if (found == jobs_.end()) return std::nullopt;
  const JobInHand& job = found->second;
  return FoundJob{.number = job.delivery.number,
                  .attempts = job.attempts,
                  .started = job.started,
                  .is_over = job.is_over()};
}

std::unordered_set<std::string> JobsInHand::ids() const {
  const std::lock_guard lock(mutex_);
  std::unordered_set<std::string> ids;
  for (const auto& [id, job] : jobs_) ids.insert(id);
  return ids;
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
  for (const auto& [id, job] : jobs_) {
    if (!job.is_over()) job.delivery.extend();
  }
}

void JobsInHand::set_attempts(const std::string& id, Attempts attempts) {
  const std::lock_guard lock(mutex_);
  if (const auto found = jobs_.find(id); found != jobs_.end()) found->second.attempts = attempts;
}

void JobsInHand::set_limit(const std::string& id, Clock::time_point extend_until) {
  const std::lock_guard lock(mutex_);
  if (const auto found = jobs_.find(id); found != jobs_.end()) {
    found->second.extend_until = extend_until;
  }
}

void JobsInHand::end_limits() {
  const std::lock_guard lock(mutex_);
  for (auto& [id, job] : jobs_) job.extend_until = Clock::time_point::min();
}

void JobsInHand::wait_for_size(std::size_t count, const std::stop_token& stop) const {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const Clock::time_point now = Clock::now();
    // Not wait_until(max()): some libraries convert that to another clock and overflow.
    Clock::time_point next_limit = now + std::chrono::hours(24);
    std::size_t counted = 0;
    for (const auto& [id, job] : jobs_) {
      if (job.extend_until <= now) continue;
      ++counted;
      next_limit = std::min(next_limit, job.extend_until);
    }
    if (counted <= count) return;
    fewer_.wait_until(lock, stop, next_limit,
                      [this, before = jobs_.size()] { return jobs_.size() < before; });
  }
}

std::size_t JobsInHand::size() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

}  // namespace worker_pool
