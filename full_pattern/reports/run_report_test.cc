// What RunReport writes is tested with a program that has its flags: output_files_test.cc.
#include "full_pattern/reports/run_report.h"

#include <gtest/gtest.h>

namespace worker_pool {
namespace {

TEST(RunReport, HasNoObserverUnlessAnOptionIsSet) {
  const auto none = RunReport::open({});
  ASSERT_TRUE(none) << none.error();
  EXPECT_EQ(none->observer(), nullptr) << "the pool is observed for nothing";

  const auto timeline = RunReport::open({.timeline = true});
  ASSERT_TRUE(timeline) << timeline.error();
  EXPECT_NE(timeline->observer(), nullptr);
}

}  // namespace
}  // namespace worker_pool
