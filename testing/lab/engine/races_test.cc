// Tests what orders two accesses, without any thread: a thread is only a number here.
#include "testing/lab/engine/races.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

#include "testing/lab/engine/clocks.h"

namespace worker_pool::lab {
namespace {

constexpr std::uintptr_t kAddress = 0x1000;

// Threads 0 and 1 use memory, and a test says what happens between.
class RacesTest : public ::testing::Test {
 protected:
  RacesTest() { races_.start(0, 1); }

  bool reads(int thread, std::uintptr_t address = kAddress, std::size_t size = 4) {
    return races_.access(address, size, {.thread = thread}).has_value();
  }
  bool writes(int thread, std::uintptr_t address = kAddress, std::size_t size = 4) {
    return races_.access(address, size, {.thread = thread, .is_write = true}).has_value();
  }
  bool writes_atomically(int thread) {
    return races_.access(kAddress, 4, {.thread = thread, .is_write = true, .is_atomic = true})
        .has_value();
  }

  // Thread 0 writes, then stores a flag; thread 1 loads the flag, then reads.
  bool message_races(std::memory_order store, std::memory_order load) {
    VectorClock flag;
    EXPECT_FALSE(writes(0));
    races_.store(0, flag, store);
    races_.load(1, flag, load);
    return reads(1);
  }

  Races races_;
};

TEST_F(RacesTest, TwoReadsAreNoRace) {
  EXPECT_FALSE(reads(0));
  EXPECT_FALSE(reads(1));
}

TEST_F(RacesTest, AWriteAndAReadAreOne) {
  EXPECT_FALSE(writes(0));
  EXPECT_TRUE(reads(1));
}

TEST_F(RacesTest, AReadAndAWriteAreOne) {
  EXPECT_FALSE(reads(0));
  EXPECT_TRUE(writes(1));
}

TEST_F(RacesTest, AThreadDoesNotRaceWithItself) {
  EXPECT_FALSE(writes(0));
  EXPECT_FALSE(reads(0));
  EXPECT_FALSE(writes(0));
}

TEST_F(RacesTest, AtomicsRaceWithPlainAccessesOnly) {
  EXPECT_FALSE(writes_atomically(0));
  EXPECT_FALSE(writes_atomically(1));
  EXPECT_TRUE(reads(1));  // of the write by thread 0
}

TEST_F(RacesTest, ComparesBytes) {
  EXPECT_FALSE(writes(0, kAddress, 2));
  EXPECT_FALSE(writes(1, kAddress + 2, 2)) << "the next two bytes";
  EXPECT_TRUE(writes(1, kAddress + 1, 1)) << "the second one";
}

TEST_F(RacesTest, FindsARaceInEachCellOfALargeAccess) {
  EXPECT_FALSE(writes(0, kAddress, 32));
  EXPECT_TRUE(reads(1, kAddress + 31, 1));
}

TEST_F(RacesTest, NamesBothAccesses) {
  (void)races_.access(kAddress, 4, {.thread = 0, .verb = "writes", .is_write = true});
  const auto race = races_.access(kAddress, 4, {.thread = 1, .verb = "reads"});
  ASSERT_TRUE(race.has_value());
  EXPECT_EQ(race->earlier.thread, 0);
  EXPECT_EQ(std::string(race->earlier.verb), "writes");
  EXPECT_EQ(race->later.thread, 1);
  EXPECT_EQ(std::string(race->later.verb), "reads");
}

// --- What orders -------------------------------------------------------------------------------

TEST_F(RacesTest, StartOrders) {
  EXPECT_FALSE(writes(0));
  races_.start(0, 2);
  EXPECT_FALSE(reads(2));
  EXPECT_FALSE(writes(2));
}

TEST_F(RacesTest, WhatComesAfterTheStartIsNotOrdered) {
  races_.start(0, 2);
  EXPECT_FALSE(writes(0));
  EXPECT_TRUE(reads(2));
}

TEST_F(RacesTest, JoinOrders) {
  EXPECT_FALSE(writes(1));
  races_.join(0, 1);
  EXPECT_FALSE(writes(0));
}

TEST_F(RacesTest, ALockOrders) {
  VectorClock mutex;
  EXPECT_FALSE(writes(0));
  races_.release(0, mutex);
  races_.acquire(1, mutex);
  EXPECT_FALSE(writes(1));
}

TEST_F(RacesTest, WhatComesAfterTheUnlockIsNotOrdered) {
  VectorClock mutex;
  races_.release(0, mutex);
  EXPECT_FALSE(writes(0));
  races_.acquire(1, mutex);
  EXPECT_TRUE(reads(1));
}

TEST_F(RacesTest, TwoLocksDoNotOrder) {
  VectorClock mutex;
  VectorClock other;
  EXPECT_FALSE(writes(0));
  races_.release(0, mutex);
  races_.acquire(1, other);
  EXPECT_TRUE(writes(1));
}

// A third thread that knows neither access must be told of both.
TEST_F(RacesTest, ALaterReadDoesNotHideAnEarlierOne) {
  races_.start(0, 2);
  EXPECT_FALSE(reads(0));
  EXPECT_FALSE(reads(1));
  VectorClock mutex;
  races_.release(1, mutex);
  races_.acquire(2, mutex);
  EXPECT_TRUE(writes(2)) << "ordered after the read by thread 1, but not after that by thread 0";
}

// --- Memory orders -----------------------------------------------------------------------------

TEST_F(RacesTest, ReleaseAndAcquireOrder) {
  EXPECT_FALSE(message_races(std::memory_order_release, std::memory_order_acquire));
}

TEST_F(RacesTest, SequentiallyConsistentAtomicsOrder) {
  EXPECT_FALSE(message_races(std::memory_order_seq_cst, std::memory_order_seq_cst));
}

TEST_F(RacesTest, ARelaxedStoreDoesNotOrder) {
  EXPECT_TRUE(message_races(std::memory_order_relaxed, std::memory_order_acquire));
}

TEST_F(RacesTest, ARelaxedLoadDoesNotOrder) {
  EXPECT_TRUE(message_races(std::memory_order_release, std::memory_order_relaxed));
}

TEST_F(RacesTest, ARelaxedUpdateContinuesTheReleaseSequence) {
  VectorClock flag;
  races_.start(0, 2);
  EXPECT_FALSE(writes(0));
  races_.store(0, flag, std::memory_order_release);
  races_.update(1, flag, std::memory_order_relaxed);
  races_.load(2, flag, std::memory_order_acquire);
  EXPECT_FALSE(reads(2));
}

TEST_F(RacesTest, ARelaxedStoreEndsTheReleaseSequence) {
  VectorClock flag;
  races_.start(0, 2);
  EXPECT_FALSE(writes(0));
  races_.store(0, flag, std::memory_order_release);
  races_.store(1, flag, std::memory_order_relaxed);
  races_.load(2, flag, std::memory_order_acquire);
  EXPECT_TRUE(reads(2));
}

TEST_F(RacesTest, FencesOrderRelaxedAtomics) {
  VectorClock flag;
  EXPECT_FALSE(writes(0));
  races_.fence(0, std::memory_order_release);
  races_.store(0, flag, std::memory_order_relaxed);
  races_.load(1, flag, std::memory_order_relaxed);
  races_.fence(1, std::memory_order_acquire);
  EXPECT_FALSE(reads(1));
}

// --- Freed memory ------------------------------------------------------------------------------

TEST_F(RacesTest, AnyUseOfFreedMemoryIsAnError) {
  EXPECT_FALSE(
      races_.access(kAddress, 4, {.thread = 0, .is_write = true, .is_free = true}).has_value());
  EXPECT_TRUE(reads(0)) << "even by the same thread";
}

TEST_F(RacesTest, FreeingRacesWithAUse) {
  EXPECT_FALSE(reads(0));
  EXPECT_TRUE(
      races_.access(kAddress, 4, {.thread = 1, .is_write = true, .is_free = true}).has_value());
}

}  // namespace
}  // namespace worker_pool::lab
