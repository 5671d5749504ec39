// shutdown() when memory runs out: no job is lost. A program of its own, because scarce_memory
// replaces operator new.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <new>
#include <string>
#include <vector>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step3_dispatcher/dispatcher.h"
#include "step4_shutdown/shutdown.h"
#include "testing/gate.h"
#include "testing/scarce_memory.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

using ::testing::ElementsAre;
using ::testing::Matches;

constexpr ShutdownLimits kNoWait = {.drain = Clock::duration::zero(),
                                    .cancel = Clock::duration::zero()};
constexpr const char* kLongId = "an id that is too long for the string object itself";

struct Outcome {
  bool threw = false;
  std::vector<std::string> handed_back{};  // by all calls together
  ShutdownReport last{};
};

// Calls shutdown() with memory for that many allocations, and again with enough if it throws.
Outcome shut_down(Workers& workers, int allocations) {
  Outcome outcome;
  try {
    const ScarceMemory memory(allocations);
    outcome.last = shutdown(workers, kNoWait);
  } catch (const std::bad_alloc&) {
    outcome.threw = true;
  }
  if (outcome.threw) outcome.last = shutdown(workers, kNoWait);
  for (const Job& job : outcome.last.not_started) outcome.handed_back.push_back(job.id);
  return outcome;
}

// One worker that is stuck in the first of these jobs.
struct StuckWorker {
  explicit StuckWorker(const std::vector<std::string>& ids)
      : workers(start_workers(
            1,
            [waits = gate](const Job&, const Context&) -> JobResult {
              waits->wait();
              return {};
            },
            nullptr)) {
    for (const std::string& id : ids) {
      EXPECT_EQ(workers.jobs.send(Job{.id = id}), SendStatus::kSent);
    }
    gate->await_arrivals(1);
  }
  ~StuckWorker() {
    const auto note = watchdog.waiting("test: for the abandoned worker to leave");
    gate->open();
    workers.group.wait();
  }

  Watchdog watchdog;
  std::shared_ptr<Gate> gate = std::make_shared<Gate>(watchdog, "the stuck job may end");
  Workers workers;
};

TEST(ShutdownWithoutMemory, HandsEveryQueuedJobBack) {
  bool has_thrown = true;
  for (int allocations = 0; has_thrown; ++allocations) {
    StuckWorker stuck({kLongId, "b", "c"});
    const Outcome outcome = shut_down(stuck.workers, allocations);
    has_thrown = outcome.threw;
    EXPECT_THAT(outcome.handed_back, ElementsAre("b", "c")) << "after " << allocations;
    EXPECT_EQ(outcome.last.outcome, ShutdownOutcome::kAbandoned);
    EXPECT_EQ(outcome.last.still_running.size(), 1u);
  }
}

TEST(ShutdownWithoutMemory, KeepsAPlaceForAJobThatItCannotName) {
  bool was_unknown = false;
  bool is_named = false;
  for (int allocations = 0; !is_named; ++allocations) {
    StuckWorker stuck({kLongId});
    const Outcome outcome = shut_down(stuck.workers, allocations);
    if (outcome.threw) continue;
    was_unknown = was_unknown || Matches(ElementsAre("?"))(outcome.last.still_running);
    is_named = Matches(ElementsAre(kLongId))(outcome.last.still_running);
  }
  EXPECT_TRUE(was_unknown);
}

}  // namespace
}  // namespace worker_pool
