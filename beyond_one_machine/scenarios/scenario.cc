#include "scenarios/scenario.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace worker_pool {
namespace {

std::string path_of(const char* variable) {
  const char* const path = std::getenv(variable);
  if (path == nullptr) throw std::runtime_error(std::string(variable) + " is not set");
  return path;
}

}  // namespace

std::size_t JobLog::jobs(const std::string& event, int times) const {
  const auto found = counts_.find(event);
  if (found == counts_.end()) return 0;
  return static_cast<std::size_t>(
      std::ranges::count_if(found->second, [&](const auto& job) { return job.second >= times; }));
}

int JobLog::times(const std::string& event, const std::string& id) const {
  const auto found = counts_.find(event);
  if (found == counts_.end()) return 0;
  const auto job = found->second.find(id);
  return job == found->second.end() ? 0 : job->second;
}

Scenario::Scenario(std::vector<std::string> flags, std::vector<std::string> server_wrapper)
    : watchdog_(std::chrono::seconds(50)),
      flags_(std::move(flags)),
      folder_(::testing::TempDir() + "/scenario"),
      server_(std::make_unique<Server>(folder_.path(), std::move(server_wrapper))),
      broker_(std::make_unique<Broker>(Broker::Options{.url = server_->url()})) {}

Scenario::~Scenario() {
  programs_.clear();
  broker_.reset();
  server_.reset();
}

Program& Scenario::consumer(const std::string& name, const std::vector<std::string>& flags) {
  std::vector<std::string> argv = {path_of("CONSUMER"), "--url=" + server_->url(), "--name=" + name,
                                   "--log_jobs"};
  std::ranges::copy(flags_, std::back_inserter(argv));
  std::ranges::copy(flags, std::back_inserter(argv));
  programs_.erase(name);  // before the new one, whose lines would mix with its last ones
  {
    const std::lock_guard lock(mutex_);
    lines_.erase(name + ": ready");
    busy_.erase(name);
  }
  programs_[name] = std::make_unique<Program>(
      argv, [this, name](const std::string& line) { read(name + ": " + line); },
      [this, name](int status) { read(name + ": exit " + std::to_string(status)); });
  await_line(name + ": ready");
  return *programs_[name];
}

int Scenario::terminate(const std::string& name) {
  const auto note = watchdog_.waiting("test: for " + name + " to exit");
  programs_.at(name)->send_signal(SIGTERM);
  return programs_.at(name)->wait();
}

void Scenario::kill(const std::string& name) {
  const auto note = watchdog_.waiting("test: for " + name + " to die");
  programs_.at(name)->send_signal(SIGKILL);
  programs_.at(name)->wait();
}

void Scenario::produce(int jobs, const std::string& work, const std::string& prefix) {
  {
    const std::lock_guard lock(mutex_);
    busy_.clear();
  }
  for (int i = 1; i <= jobs; ++i) {
    broker_->publish(prefix + std::to_string(i), std::as_bytes(std::span(work)));
  }
}

void Scenario::start_producer(const std::vector<std::string>& flags) {
  std::vector<std::string> argv = {path_of("PRODUCER"), "--url=" + server_->url()};
  std::ranges::copy(flags, std::back_inserter(argv));
  programs_["producer"] = std::make_unique<Program>(
      argv, [this](const std::string& line) { read("producer: " + line); },
      [this](int status) { read("producer: exit " + std::to_string(status)); });
}

void Scenario::await(const std::string& what, const std::function<bool(const JobLog&)>& done) {
  const auto note = watchdog_.waiting("test: for " + what);
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return done(log_); });
}

void Scenario::await_results(std::size_t jobs) {
  await(std::to_string(jobs) + " results",
        [&](const JobLog& log) { return log.results() >= jobs; });
}

void Scenario::await_line(const std::string& line) {
  await("the line \"" + line + "\"", [&](const JobLog&) { return lines_.contains(line); });
}

void Scenario::await_start_by(const std::string& name) {
  await(name + " to start a job", [&](const JobLog&) { return busy_.contains(name); });
}

JobLog Scenario::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

void Scenario::expect_all_done(std::size_t jobs) {
  await_results(jobs);
  // An acknowledgment that was lost with the server is sent again when the job is delivered again.
  watchdog_.await("the broker to have no job left", [&] { return broker_->depth().jobs == 0; });
  for (const auto& [name, program] : programs_) terminate(name);
  report(jobs);
  EXPECT_EQ(log().results(), jobs) << "more than were produced";
  EXPECT_EQ(broker_->result_count(), jobs) << "a result was reported, and the broker has it not";
  EXPECT_EQ(log().jobs("stored", 2), 0u) << "stored twice";
}

void Scenario::report(std::size_t jobs) const {
  const JobLog seen = log();
  std::cout << "Of " << jobs << " jobs: lost " << jobs - seen.results() << ", started twice "
            << seen.jobs("started", 2) << ", stored twice " << seen.jobs("stored", 2)
            << ", handed back " << seen.jobs("handed back") << ", buried " << seen.jobs("buried")
            << std::endl;
}

// "NAME: EVENT ID". Other lines are kept whole.
void Scenario::read(const std::string& line) {
  const auto name_end = line.find(": ");
  const auto id_begin = line.rfind(' ');
  const std::lock_guard lock(mutex_);
  lines_.insert(line);
  if (id_begin > name_end + 1) {
    const std::string event = line.substr(name_end + 2, id_begin - name_end - 2);
    const std::string id = line.substr(id_begin + 1);
    log_.add(event, id);
    if (event == "started") busy_.insert(line.substr(0, name_end));
    if (event == "stored" || event.ends_with(" before")) log_.add("result", id);
  }
  changed_.notify_all();
}

}  // namespace worker_pool
