// main() of every exercise's test: stops at the first failure, so that its lesson comes last.
#include <gtest/gtest.h>

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  GTEST_FLAG_SET(fail_fast, true);
  return RUN_ALL_TESTS();
}
