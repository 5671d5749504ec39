// Our pools under Google Benchmark, for work on them. One iteration is one job, so Time is the time
// per job, CPU is the processor time of all threads per job, and `sleeps` is how often one blocked.
//
//   cd benchmarks
//   ../bazelw run -c opt //:pool_benchmark -- --benchmark_filter=fast/int/0us
//
// To compare them with other people's pools, use ./compare, which interleaves the programs. This
// program does not.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "full_pattern/observers/error_log.h"
#include "full_pattern/observers/metrics_observer.h"
#include "full_pattern/observers/observe_with.h"
#include "full_pattern/observers/recorder.h"
#include "measure.h"
#include "ours.h"
#include "step1_job/job.h"
#include "step2_worker/worker.h"
#include "workload.h"

namespace worker_pool::benchmarks {
namespace {

constexpr int kWorks[] = {0, 1, 10};  // microseconds of work for each job

using MakeObserver = std::function<std::shared_ptr<Observer>(std::size_t jobs)>;

std::uint64_t steps_for(int us) {
  static const double steps = steps_per_us();
  return static_cast<std::uint64_t>(std::llround(us * steps));
}

// Registers a row on pools from `make_pool(row, answers)`. Google Benchmark chooses the count.
template <class T, class MakePool>
void add(const std::string& name, MakePool make_pool, int us, Row row) {
  benchmark::RegisterBenchmark(
      name,
      [=](benchmark::State& state) mutable {
        row.steps = steps_for(us);
        row.count = static_cast<std::uint64_t>(state.max_iterations);
        Usage each;
        while (state.KeepRunningBatch(state.max_iterations)) {
          each = measure<T>([&](bool answers) { return make_pool(row, answers); }, row);
          state.SetIterationTime(each.wall_ns * 1e-9 * static_cast<double>(row.count));
        }
        state.counters["sleeps"] = each.sleeps;
        if (!all_handled(row)) state.SkipWithError("jobs were lost, or handled twice");
      })
      ->UseManualTime()
      ->MeasureProcessCPUTime();
}

template <class T, class Pool>
void add_throughput(std::string_view pool, std::string_view job) {
  for (const int us : kWorks) {
    for (const int workers : {1, 2, 3, 8}) {
      for (const int producers : {1, 4}) {
        const std::string name = std::string(pool) + "/" + std::string(job) + "/" +
                                 std::to_string(us) + "us/" + std::to_string(workers) + "w/" +
                                 std::to_string(producers) + "p";
        add<T>(name, [](const Row& row, bool answers) { return Pool(row.workers, answers); }, us,
               {.workers = workers, .producers = producers});
      }
    }
  }
}

template <class T, class Pool>
void add_others(const std::string& pool) {
  const auto make = [](const Row& row, bool answers) { return Pool(row.workers, answers); };
  for (const int workers : {1, 3}) {
    const std::string name = pool + "/ping-pong/" + std::to_string(workers) + "w";
    add<T>(name, make, 0, {.shape = Shape::kPingPong, .workers = workers});
  }
  add<T>(pool + "/lifecycle/3w", make, 0, {.shape = Shape::kLifecycle});
}

template <class Channel>
void add_channel(const std::string& channel) {
  add_throughput<int, OnChannel<Channel, int>>(channel, "int");
  add_throughput<Block, OnChannel<Channel, Block>>(channel, "struct");
  add_throughput<Job, OnChannel<Channel, Job>>(channel, "full");
  add_others<int, OnChannel<Channel, int>>(channel);
  add_throughput<Job, WholePool<Channel>>("pool-" + channel, "full");
  add_others<Job, WholePool<Channel>>("pool-" + channel);
}

template <class Channel>
void add_observer(const std::string& name, const MakeObserver& make_observer) {
  const auto make_pool = [=](const Row& row, bool answers) {
    return WholePool<Channel>(row.workers, answers, make_observer(row.count));
  };
  add<Job>(name, make_pool, 0, {});
}

template <class Channel>
void add_observers(const std::string& channel) {
  const auto none = [](std::size_t) { return nullptr; };
  const auto error_log = [](std::size_t) {
    return std::make_shared<ErrorLog>(ErrorLog::Options{});
  };
  const auto metrics = [](std::size_t) { return std::make_shared<MetricsObserver>(); };
  // A full log only counts errors, which is cheaper.
  const auto recorder = [](std::size_t jobs) { return std::make_shared<Recorder>(jobs); };
  const auto all = [=](std::size_t jobs) {
    return observe_with({error_log(jobs), metrics(jobs), recorder(jobs)});
  };
  const std::string prefix = "pool-" + channel + "/observer/";
  add_observer<Channel>(prefix + "none", none);
  add_observer<Channel>(prefix + "ErrorLog", error_log);
  add_observer<Channel>(prefix + "MetricsObserver", metrics);
  add_observer<Channel>(prefix + "Recorder", recorder);
  add_observer<Channel>(prefix + "all", all);
}

void add_all() {
  add_channel<Simple>("simple");
  add_channel<Fast>("fast");
  add_observers<Simple>("simple");
  add_observers<Fast>("fast");
}

}  // namespace
}  // namespace worker_pool::benchmarks

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  worker_pool::benchmarks::add_all();
  benchmark::RunSpecifiedBenchmarks();
}
