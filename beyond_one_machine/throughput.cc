// What the pool costs: a plain client and a consumer fetch the same number of empty jobs from the
// same server, in turns, with the same batch.
//
//   bazel run -c opt //:throughput
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "broker/broker.h"
#include "consumer/consumer.h"
#include "processes/server.h"
#include "processes/temporary_folder.h"
#include "step1_job/context.h"
#include "step1_job/job.h"

namespace worker_pool {
namespace {

constexpr int kJobs = 40'000;
constexpr int kRounds = 7;
constexpr int kPublishers = 4;
constexpr std::size_t kBatch = 100;

void publish(const std::string& url, const std::string& prefix) {
  std::vector<std::jthread> publishers;
  for (int p = 0; p < kPublishers; ++p) {
    publishers.emplace_back([&url, &prefix, p] {
      const Broker broker({.url = url});
      const std::string work = "none";
      for (int i = p; i < kJobs; i += kPublishers) {
        broker.publish(prefix + std::to_string(i), std::as_bytes(std::span(work)));
      }
    });
  }
}

double jobs_per_second(Clock::duration time) {
  return kJobs / std::chrono::duration<double>(time).count();
}

double plain_client(const std::shared_ptr<Broker>& broker) {
  const auto start = Clock::now();
  for (int done = 0; done < kJobs;) {
    for (const Delivery& job : broker->fetch(kBatch, std::chrono::milliseconds(100))) {
      job.done();
      ++done;
    }
  }
  const auto time = Clock::now() - start;
  broker->flush(std::chrono::seconds(2));
  return jobs_per_second(time);
}

JobResult nothing(const Job&, const Context&) { return {}; }

// Until the last job is done, as above: run() returns later, after its last fetch has timed out.
double pool(const std::shared_ptr<Broker>& broker, ChannelKind channel) {
  std::stop_source stop;
  std::atomic<int> done = 0;
  Clock::time_point last_done;  // written by one thread, which has exited when run() returns
  const JobEvent event = [&](std::string_view what, const std::string&) {
    if (what != "done" || ++done != kJobs) return;
    last_done = Clock::now();
    stop.request_stop();
  };
  Consumer consumer(
      {.pool = {.workers = 3, .capacity = kBatch, .channel = channel}, .batch = kBatch}, broker,
      nothing, event);
  const auto start = Clock::now();
  (void)consumer.run(stop.get_token(), {});
  return jobs_per_second(last_done - start);
}

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + kRounds / 2);
  return values[kRounds / 2];
}

void print(const char* name, double ours, double plain) {
  std::printf("%-21s%6.0f jobs/s  %3.0f %%  %4.1f us more for each job\n", name, ours,
              100 * ours / plain, 1e6 / ours - 1e6 / plain);
}

int run() {
  using Contestant = std::function<double(const std::shared_ptr<Broker>&)>;
  const std::array<Contestant, 3> contestants = {
      plain_client, [](const auto& broker) { return pool(broker, ChannelKind::kSimple); },
      [](const auto& broker) { return pool(broker, ChannelKind::kFast); }};
  const TemporaryFolder folder(std::filesystem::temp_directory_path() / "throughput");
  Server server(folder.path());
  std::array<std::vector<double>, contestants.size()> results;
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t i = 0; i < contestants.size(); ++i) {
      publish(server.url(), std::to_string(round) + "-" + std::to_string(i) + "-");
      results[i].push_back(
          contestants[i](std::make_shared<Broker>(Broker::Options{.url = server.url()})));
    }
  }
  std::printf("Medians of %d rounds of %d empty jobs:\n", kRounds, kJobs);
  const double plain = median(results[0]);
  print("plain client", plain, plain);
  print("pool, simple channel", median(results[1]), plain);
  print("pool, fast channel", median(results[2]), plain);
  return EXIT_SUCCESS;
}

}  // namespace
}  // namespace worker_pool

int main() {
  try {
    return worker_pool::run();
  } catch (const std::exception& e) {
    std::cerr << "throughput: " << e.what() << "\n";
    return EXIT_FAILURE;
  }
}
