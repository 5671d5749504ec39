// Four stages. Each run begins with the first one, and ends where a test fails.
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <thread>
#include <utility>

#include "exercises/harness/lesson.h"
#include "exercises/harness/probes.h"

#include EXERCISE_FILE

namespace your_pool {
namespace {

namespace lab = worker_pool::lab;
using worker_pool::AtTheEnd;
using worker_pool::expect_every_schedule;
using worker_pool::Lesson;
using worker_pool::LessonStage;
using namespace std::chrono_literals;

// Enough for every schedule of a design with mutexes and condition variables. Of a design whose
// steps are more, those with the fewest preemptions are run.
constexpr std::size_t kSchedules = 1'500;

constexpr lab::Options kOneThread{.max_spurious_wakeups = 0, .random_schedules = 0};
constexpr lab::Options kTwoThreads{.max_schedules = kSchedules};
constexpr lab::Options kMoreThreads{
    .max_preemptions = 1, .max_schedules = kSchedules, .random_schedules = 50};
// For pools, whose workers are threads too.
constexpr lab::Options kPool{.max_preemptions = 1,
                             .max_spurious_wakeups = 0,
                             .max_schedules = kSchedules,
                             .random_schedules = 30};
// No thread is slower than the clock. So after a sleep every other thread waits, and a time limit
// ends a wait only if nothing else does.
constexpr lab::Options kExact{.max_preemptions = 0,
                              .early_timeouts = false,
                              .max_schedules = kSchedules,
                              .random_schedules = 20};
constexpr lab::Options kExactPool{.max_preemptions = 1,
                                  .max_spurious_wakeups = 0,
                                  .early_timeouts = false,
                                  .max_schedules = kSchedules,
                                  .random_schedules = 30};

void fail(const std::string& verdict) { lab::check(false, verdict); }

// Makes a string only if it fails, which is faster than lab::check().
void check(bool ok, const char* verdict) {
  if (!ok) fail(verdict);
}

// A std::jthread for every lambda would compile for seconds.
class Thread {
 public:
  explicit Thread(std::function<void()> body) : thread_(std::move(body)) {}
  void join() { thread_.join(); }

 private:
  std::jthread thread_;
};

// Starts two threads, lets them wait for ten years, and then wakes them. Polling for as long takes
// more steps than a schedule may have.
void expect_woken(const std::function<void()>& blocks, const std::function<void()>& wakes) {
  constexpr auto kTenYears = 24h * 3650;
  const auto woken_at = std::chrono::steady_clock::now() + kTenYears;
  const auto wait = [&] {
    blocks();
    check(std::chrono::steady_clock::now() == woken_at, "a call did not wait until the close");
  };
  Thread first(wait);
  Thread second(wait);
  std::this_thread::sleep_for(kTenYears);
  wakes();
  first.join();
  second.join();
}

}  // namespace
}  // namespace your_pool

// These use what is above.
#include "exercises/25_your_pool/stage_1_channel.h"
#include "exercises/25_your_pool/stage_1_waits.h"
#include "exercises/25_your_pool/stage_2_worker.h"
#include "exercises/25_your_pool/stage_3_pool.h"
#include "exercises/25_your_pool/stage_4_shutdown.h"
// These use what is in the one before.
#include "exercises/25_your_pool/stage_4_limits.h"
#include "exercises/25_your_pool/stage_4_report.h"
