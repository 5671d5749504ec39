// What a channel between two threads is made of, measured on this machine. Also what an idle pool
// costs.
//
//   cd benchmarks
//   ../bazelw run -c opt //:limits
//
// They explain the rows of ./compare in which all channels are slow. Each figure is the median of
// many rounds; the steps of a round trip, of the trips of one.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdio>
#include <functional>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "full_pattern/fast_channel/brief_lock.h"
#include "full_pattern/worker_pool.h"
#include "measure.h"
#include "ours.h"
#include "step1_job/context.h"
#include "step1_job/job.h"

namespace worker_pool::benchmarks {
namespace {

constexpr std::size_t kRounds = 31;
constexpr int kTrips = 20'000;

double ns_between(Clock::time_point begun, Clock::time_point ended) {
  return std::chrono::duration<double, std::nano>(ended - begun).count();
}

double ns_since(Clock::time_point start) { return ns_between(start, Clock::now()); }

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

double median_of(const std::function<double()>& measure, std::size_t rounds = kRounds) {
  std::vector<double> values(rounds);
  std::ranges::generate(values, measure);
  return median(std::move(values));
}

void print(std::string_view what, double ns) {
  std::printf("%-66.*s %8.0f\n", static_cast<int>(what.size()), what.data(), ns);
}

struct alignas(64) Flag {
  std::atomic<int> value = 0;
};

void await(const Flag& flag, int value) {
  while (flag.value.load(std::memory_order_acquire) != value) {
  }
}

struct alignas(64) Value {
  int value = 0;  // plain: the flag orders it
};

// A round trip. With a value beside the flag, as in our channels, each way needs a second cache
// line. (A queue whose slots have a flag of their own needs only one.)
double round_trip(bool with_value) {
  Flag there;
  Flag back;
  std::array<Value, 2> values;
  std::jthread other([&] {
    for (int i = 1; i <= kTrips; ++i) {
      await(there, i);
      if (with_value) values[1].value = values[0].value + 1;
      back.value.store(i, std::memory_order_release);
    }
  });
  int sum = 0;
  const Clock::time_point start = Clock::now();
  for (int i = 1; i <= kTrips; ++i) {
    if (with_value) values[0].value = i;
    there.value.store(i, std::memory_order_release);
    await(back, i);
    if (with_value) sum += values[1].value & 1;
  }
  const double ns = ns_since(start) / kTrips;
  return sum > kTrips ? 0 : ns;
}

using Times = std::vector<Clock::time_point>;

// When each step of each round trip was over.
struct Trips {
  Times begun = Times(kTrips);
  Times sent = Times(kTrips);      // the first send() has returned
  Times arrived = Times(kTrips);   // the worker has received the value
  Times answered = Times(kTrips);  // its send() has returned
  Times ended = Times(kTrips);     // the answer has been received
};

// Round trips through two fast channels, as in the row ping-pong with one worker.
Trips trips_through_channels() {
  Trips trips;
  auto [jobs, queue] = make_fast_channel<int>(kCapacity);
  auto [answers, inbox] = make_fast_channel<bool>(kCapacity);
  std::jthread worker([&trips, &queue, &answers] {
    for (std::size_t i = 0; queue.receive(); ++i) {
      trips.arrived[i] = Clock::now();
      must_be_sent(answers.send(true));
      trips.answered[i] = Clock::now();
    }
  });
  for (std::size_t i = 0; i < kTrips; ++i) {
    trips.begun[i] = Clock::now();
    must_be_sent(jobs.send(0));
    trips.sent[i] = Clock::now();
    (void)inbox.receive();
    trips.ended[i] = Clock::now();
  }
  jobs.close();
  worker.join();
  return trips;
}

// The median of the times from `begun` until `ended`.
double median_between(const Times& begun, const Times& ended) {
  std::vector<double> ns;
  for (std::size_t i = 0; i < begun.size(); ++i) ns.push_back(ns_between(begun[i], ended[i]));
  return median(std::move(ns));
}

// All four times come from one run, so that they can be subtracted from each other.
void print_trips_through_channels() {
  const Trips trips = trips_through_channels();
  print("a round trip through two fast channels: send() has returned after",
        median_between(trips.begun, trips.sent));
  print("the worker has the value after", median_between(trips.begun, trips.arrived));
  print("its send() has returned after", median_between(trips.begun, trips.answered));
  print("the answer is back after", median_between(trips.begun, trips.ended));
  print("a round trip of which only the whole is measured", median_of([] {
          OnFastChannel<int> channels(1, true);
          return ping_pong<int>(channels, {.count = kTrips}).wall_ns;
        }));
  print("reading the clock", median_of([] {
          const Clock::time_point start = Clock::now();
          for (std::size_t i = 1; i < kTrips; ++i) (void)Clock::now();
          return ns_since(start) / kTrips;
        }));
}

// A stream of the jobs of the `struct` rows, which have the size of a cache line, per job. One
// thread fills half of the memory that a full channel has, while the other one reads the other
// half, and two flags tell when. With locks, each thread also takes a lock of its own for each job,
// as a channel does on each side.
double stream_of_jobs(bool with_locks) {
  constexpr std::size_t kHalf = kCapacity / 2;
  alignas(64) std::array<std::array<Block, kHalf>, 2> halves;
  Flag filled;
  Flag emptied;
  alignas(64) BriefLock writers;
  alignas(64) BriefLock readers;
  const auto lock = [with_locks](BriefLock& mutex) {
    return with_locks ? std::unique_lock(mutex) : std::unique_lock(mutex, std::defer_lock);
  };
  std::uint64_t sum = 0;
  std::jthread other([&] {
    for (int i = 1; i <= kTrips / 10; ++i) {
      await(filled, i);
      for (const Block& job : halves[static_cast<std::size_t>(i % 2)]) {
        const auto locked = lock(readers);
        sum += job.number + job.rest.back();
      }
      emptied.value.store(i, std::memory_order_release);
    }
  });
  const Clock::time_point start = Clock::now();
  for (int i = 1; i <= kTrips / 10; ++i) {
    for (Block& job : halves[static_cast<std::size_t>(i % 2)]) {
      const auto locked = lock(writers);
      job = make_job<Block>(static_cast<std::uint64_t>(i));
    }
    await(emptied, i - 1);
    filled.value.store(i, std::memory_order_release);
  }
  other.join();
  const double ns = ns_since(start) / (kHalf * kTrips / 10.0);
  return sum == 0 ? 0 : ns;
}

// One thread sleeps and the other wakes it. Measures the cost for the waker and the time until the
// sleeper runs.
struct WakeUp {
  double waker_ns;
  double until_it_runs_ns;
};

WakeUp wake_up() {
  std::mutex mutex;
  std::condition_variable changed;
  bool sleeps = false;
  bool woken = false;
  Clock::time_point runs_at;
  std::jthread sleeper([&] {
    std::unique_lock lock(mutex);
    sleeps = true;
    changed.wait(lock, [&] { return woken; });
    runs_at = Clock::now();
  });
  const auto is_asleep = [&] {
    const std::lock_guard lock(mutex);
    return sleeps;
  };
  while (!is_asleep()) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::microseconds(500));  // by now its processor is idle
  const Clock::time_point start = Clock::now();
  {
    const std::lock_guard lock(mutex);
    woken = true;
  }
  changed.notify_one();
  const double waker_ns = ns_since(start);
  sleeper.join();
  return {waker_ns, ns_between(start, runs_at)};
}

constexpr std::size_t kPieces = 2'000;
constexpr int kBatches = 20;
using Piece = std::array<std::byte, 64>;
using Pieces = std::vector<std::unique_ptr<Piece>>;

void allocate(Pieces& pieces) {
  while (pieces.size() < kPieces) pieces.push_back(std::make_unique<Piece>());
}

// Memory that one thread allocates and another frees, per block. Both threads work at once.
double allocate_here_free_there() {
  std::array<Pieces, 2> pieces;
  Flag filled;
  Flag emptied;
  std::jthread other([&] {
    for (int i = 1; i <= kBatches; ++i) {
      await(filled, i);  // the other batch is being filled meanwhile
      pieces[static_cast<std::size_t>(i % 2)].clear();
      emptied.value.store(i, std::memory_order_release);
    }
  });
  const Clock::time_point start = Clock::now();
  for (int i = 1; i <= kBatches; ++i) {
    allocate(pieces[static_cast<std::size_t>(i % 2)]);
    await(emptied, i - 1);
    filled.value.store(i, std::memory_order_release);
  }
  other.join();
  return ns_since(start) / (kPieces * kBatches);
}

// The same on one thread.
double allocate_and_free_here() {
  Pieces pieces;
  const Clock::time_point start = Clock::now();
  for (int i = 1; i <= kBatches; ++i) {
    allocate(pieces);
    pieces.clear();
  }
  return ns_since(start) / (kPieces * kBatches);
}

// The processor time of the process in a second in which this thread sleeps.
double asleep() {
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // by now, earlier work is done
  const Usage start = usage();
  std::this_thread::sleep_for(std::chrono::seconds(1));
  return used_since(start, 1).cpu_ns;
}

double asleep_beside_an_idle_pool() {
  WorkerPool pool({.workers = 3}, [](const Job&, const Context&) -> JobResult { return {}; });
  for (int i = 0; i < 100; ++i) (void)pool.submit(Job{});
  return asleep();
}

int run() {
  std::printf("%-66s %8s\n", "", "ns");
  print("a cache line to the other thread and back", median_of([] { return round_trip(false); }));
  print("the same, with a value in a line of its own each way",
        median_of([] { return round_trip(true); }));
  print("a stream of jobs of the size of a cache line, for each job",
        median_of([] { return stream_of_jobs(false); }));
  print("the same, with a lock for each job on each side",
        median_of([] { return stream_of_jobs(true); }));
  print_trips_through_channels();
  print("waking a thread that sleeps: for the waker", median_of([] { return wake_up().waker_ns; }));
  print("until it runs", median_of([] { return wake_up().until_it_runs_ns; }));
  print("64 bytes allocated and freed by one thread", median_of(allocate_and_free_here));
  print("allocated by one, freed by another, for each piece", median_of(allocate_here_free_there));
  constexpr std::size_t kSeconds = 5;
  print("processor time of a process that sleeps for a second", median_of(asleep, kSeconds));
  print("the same, with an idle pool of three workers",
        median_of(asleep_beside_an_idle_pool, kSeconds));
  return 0;
}

}  // namespace
}  // namespace worker_pool::benchmarks

int main() { return worker_pool::benchmarks::run(); }
