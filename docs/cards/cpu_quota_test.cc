#include "docs/cards/cpu_quota.h"

#include <gtest/gtest.h>

namespace worker_pool {
namespace {

TEST(UsableCpus, AreLimitedByTheQuota) { EXPECT_EQ(usable_cpus(64, "200000 100000\n"), 2); }

TEST(UsableCpus, AreLimitedByTheProcessors) { EXPECT_EQ(usable_cpus(4, "800000 100000\n"), 4); }

TEST(UsableCpus, AreRoundedUp) {
  EXPECT_EQ(usable_cpus(64, "150000 100000\n"), 2);
  EXPECT_EQ(usable_cpus(64, "10000 100000\n"), 1);
}

TEST(UsableCpus, AreAllProcessorsWithoutAQuota) {
  EXPECT_EQ(usable_cpus(64, "max 100000\n"), 64);
  EXPECT_EQ(usable_cpus(64, ""), 64);
}

TEST(UsableCpus, AreAllProcessorsIfTheTextIsNoQuota) {
  for (const char* text : {"200000", "200000 0", "-1 100000", "0 100000", "two 100000"}) {
    EXPECT_EQ(usable_cpus(64, text), 64) << text;
  }
}

TEST(UsableCpus, AreAtLeastOne) { EXPECT_EQ(usable_cpus(0, "max 100000\n"), 1); }

}  // namespace
}  // namespace worker_pool
