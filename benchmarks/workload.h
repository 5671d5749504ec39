// The workload: which jobs are sent, and what a worker does with one. All C++ programs of
// benchmarks/ share it. peers/go/main.go has the same in Go.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "step1_job/context.h"
#include "step1_job/job.h"

namespace worker_pool::benchmarks {

inline constexpr std::size_t kCapacity = 100;  // of every bounded queue

// --- Jobs ----------------------------------------------------------------------------------------

// The size of a job with a few fields, without heap memory.
struct Block {
  std::uint64_t number = 0;
  std::array<std::uint64_t, 7> rest{};
};

template <class T>
T make_job(std::uint64_t number);

template <>
inline int make_job<int>(std::uint64_t number) {
  return static_cast<int>(number);
}

template <>
inline Block make_job<Block>(std::uint64_t number) {
  return {.number = number};
}

// Fills a variable that has held other jobs before, and uses what memory it has.
inline void fill_full_job(Job& job, std::uint64_t number) {
  std::array<char, 20> digits;
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), number);
  job.id.assign("job-").append(digits.data(), end);
  job.payload.resize(64);
  std::memcpy(job.payload.data(), &number, sizeof number);
}

// Makes a job that reuses the memory of `payload`, if it has any.
inline Job make_full_job(std::uint64_t number, std::vector<std::byte> payload) {
  Job job{.payload = std::move(payload)};
  fill_full_job(job, number);
  return job;
}

// The id fits into the string object. The payload is heap memory.
template <>
inline Job make_job<Job>(std::uint64_t number) {
  return make_full_job(number, {});
}

// Makes a job without heap memory: its id holds the number.
inline Job make_bare_job(std::uint64_t number) {
  std::array<char, sizeof number> id;
  std::memcpy(id.data(), &number, sizeof number);
  return {.id = std::string(id.data(), id.size())};
}

inline std::uint64_t number_of(int job) { return static_cast<std::uint64_t>(job); }
inline std::uint64_t number_of(const Block& job) { return job.number; }
inline std::uint64_t number_of(const Job& job) {
  std::uint64_t number = 0;
  const void* const from = job.payload.empty() ? static_cast<const void*>(job.id.data())
                                               : static_cast<const void*>(job.payload.data());
  std::memcpy(&number, from, sizeof number);
  return number;
}

// --- Work ----------------------------------------------------------------------------------------

// Work that takes the same time in every language. Each step needs the result of the previous one,
// so a compiler can neither omit steps nor run two at once.
inline std::uint64_t work(std::uint64_t x, std::uint64_t steps) {
  for (; steps > 0; --steps) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
  }
  return x;
}

// The fastest of many short runs, because a disturbance only makes a run slower.
inline double steps_per_us() {
  constexpr std::uint64_t kSteps = 200'000;
  double best_us = std::numeric_limits<double>::max();
  volatile std::uint64_t x = 1;  // volatile keeps the work between the two clock readings
  for (int i = 0; i < 200; ++i) {
    const Clock::time_point start = Clock::now();
    x = work(x, kSteps);
    const std::chrono::duration<double, std::micro> took = Clock::now() - start;
    best_us = std::min(best_us, took.count());
  }
  return static_cast<double>(kSteps) / best_us;
}

// Set before the threads start.
inline std::uint64_t steps_for_each_job = 0;

// What has been handled. A lost job changes the first number, a wrong job the second, and omitted
// work the third. Each tally has its own cache line, so that counting threads do not share one.
struct alignas(64) Tally {
  std::uint64_t jobs = 0;
  std::uint64_t numbers = 0;  // their sum
  std::uint64_t results = 0;  // of the work, combined by exclusive or
};

// One tally for each thread, also for the threads of a library's own pool. A program may start more
// threads than this one after another, by creating new pools, but never at the same time.
inline std::array<Tally, 128> tallies{};

inline Tally& tally_of_this_thread() {
  static constinit std::atomic<std::size_t> threads = 0;
  static constinit thread_local Tally* mine = nullptr;
  if (mine == nullptr) mine = &tallies[threads.fetch_add(1) % tallies.size()];
  return *mine;
}

// What every worker does with every job.
template <class T>
void handle(const T& job) {
  const std::uint64_t number = number_of(job);
  Tally& tally = tally_of_this_thread();
  ++tally.jobs;
  tally.numbers += number;
  tally.results ^= work(number + 1, steps_for_each_job);
}

// To be called while no thread handles jobs.
inline Tally handled() {
  Tally sum;
  for (const Tally& tally : tallies) {
    sum.jobs += tally.jobs;
    sum.numbers += tally.numbers;
    sum.results ^= tally.results;
  }
  return sum;
}

}  // namespace worker_pool::benchmarks
