// How a row is run on a contestant, and how its time and processor time are measured.
//
// A contestant is a pool behind one interface:
//
//   template <class T>
//   class Contestant {
//    public:
//     Contestant(int workers, bool answers);  // starts the threads, each of which handles jobs
//     void submit(T&& job);                   // thread-safe
//     void submit_and_wait(T&& job);          // from one thread, and only with `answers`
//     void finish();                          // once, after the last submit(); blocks until all
//                                             // jobs are done
//   };
//
// A contestant for full jobs may have a spare_payload(), from which the next job is made.
//
// `answers` is for contestants that cannot report when one job is done. With it, they send an
// answer for each job.
#pragma once

#include <sys/resource.h>

#include <chrono>
#include <cstdint>
#include <latch>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "step1_job/context.h"
#include "workload.h"

namespace worker_pool::benchmarks {

inline constexpr int kJobsInALife = 5;

enum class Shape {
  kThroughput,  // send all jobs, wait until all are done
  kPingPong,    // send one job, wait until it was handled, send the next
  kLifecycle,   // start a pool, send kJobsInALife jobs, shut the pool down, start the next
};

// How jobs of the type Job are made.
enum class Making {
  kNew,     // each one is a new object with a payload
  kReused,  // each producer fills the same variable
  kBare,    // new, without heap memory
};

struct Row {
  Shape shape = Shape::kThroughput;
  Making making = Making::kNew;
  int workers = 3;
  int producers = 1;  // for kThroughput
  std::uint64_t steps = 0;
  std::uint64_t count = 1;  // jobs; for kLifecycle: lives
};

// Of the whole process, counted from an arbitrary time.
struct Usage {
  double wall_ns = 0;
  double cpu_ns = 0;  // user and system
  double sleeps = 0;  // voluntary context switches: a thread blocked
};

inline Usage usage() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto ns = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_usec) * 1e3;
  };
  const std::chrono::duration<double, std::nano> wall = Clock::now().time_since_epoch();
  return {wall.count(), ns(used.ru_utime) + ns(used.ru_stime), static_cast<double>(used.ru_nvcsw)};
}

// What the process has used since `start`, divided by `count`.
inline Usage used_since(const Usage& start, std::uint64_t count) {
  const Usage end = usage();
  const auto each = static_cast<double>(count);
  return {(end.wall_ns - start.wall_ns) / each, (end.cpu_ns - start.cpu_ns) / each,
          (end.sleeps - start.sleeps) / each};
}

template <class T, class Pool>
T make_job_for(Pool& pool, std::uint64_t number, Making making) {
  if constexpr (std::is_same_v<T, Job>) {
    if (making == Making::kBare) return make_bare_job(number);
  }
  if constexpr (requires { pool.spare_payload(); }) {
    return make_full_job(number, pool.spare_payload());
  } else {
    return make_job<T>(number);
  }
}

template <class T, class Pool>
void send(Pool& pool, std::uint64_t first, std::uint64_t end, Making making) {
  if constexpr (std::is_same_v<T, Job>) {
    if (making == Making::kReused) {
      Job job;
      for (std::uint64_t i = first; i < end; ++i) {
        fill_full_job(job, i);
        pool.submit(std::move(job));
      }
      return;
    }
  }
  for (std::uint64_t i = first; i < end; ++i) pool.submit(make_job_for<T>(pool, i, making));
}

// From the first submit() until all jobs are done. The pool has been started before.
template <class T, class Pool>
Usage throughput(Pool& pool, const Row& row) {
  if (row.producers == 1) {
    const Usage start = usage();
    send<T>(pool, 0, row.count, row.making);
    pool.finish();
    return used_since(start, row.count);
  }
  std::latch go(1);
  std::vector<std::jthread> producers;
  const auto share = [&row](int i) {
    return row.count * static_cast<std::uint64_t>(i) / static_cast<std::uint64_t>(row.producers);
  };
  for (int i = 0; i < row.producers; ++i) {
    producers.emplace_back([&pool, &go, &row, first = share(i), end = share(i + 1)] {
      go.wait();
      send<T>(pool, first, end, row.making);
    });
  }
  const Usage start = usage();
  go.count_down();
  producers.clear();  // joins them
  pool.finish();
  return used_since(start, row.count);
}

template <class T, class Pool>
Usage ping_pong(Pool& pool, const Row& row) {
  const Usage start = usage();
  for (std::uint64_t i = 0; i < row.count; ++i) {
    pool.submit_and_wait(make_job_for<T>(pool, i, row.making));
  }
  pool.finish();
  return used_since(start, row.count);
}

template <class T, class MakePool>
Usage lives(MakePool make_pool, const Row& row) {
  const Usage start = usage();
  for (std::uint64_t i = 0; i < row.count; ++i) {
    auto pool = make_pool();
    send<T>(pool, 0, kJobsInALife, row.making);
    pool.finish();
  }
  return used_since(start, row.count);
}

// Runs a row with T jobs on pools from `make_pool(answers)`, which returns one by value.
template <class T, class MakePool>
Usage measure(MakePool make_pool, const Row& row) {
  steps_for_each_job = row.steps;
  tallies = {};
  if (row.shape == Shape::kLifecycle) return lives<T>([&] { return make_pool(false); }, row);
  auto pool = make_pool(row.shape == Shape::kPingPong);
  return row.shape == Shape::kPingPong ? ping_pong<T>(pool, row) : throughput<T>(pool, row);
}

// Whether the handled jobs are exactly those that `row` sends. To be called after measure().
inline bool all_handled(const Row& row) {
  const Tally tally = handled();
  if (row.shape == Shape::kLifecycle) {
    return tally.jobs == row.count * kJobsInALife &&
           tally.numbers == row.count * (kJobsInALife * (kJobsInALife - 1) / 2);
  }
  return tally.jobs == row.count && tally.numbers == row.count * (row.count - 1) / 2;
}

}  // namespace worker_pool::benchmarks
