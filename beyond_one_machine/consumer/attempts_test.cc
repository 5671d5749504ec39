#include "consumer/attempts.h"

#include <gtest/gtest.h>

namespace worker_pool {
namespace {

TEST(Attempts, AreReadAsWritten) {
  const Attempts open = parse_attempts(to_text({.starts = 12, .open = true}));
  EXPECT_EQ(open.starts, 12);
  EXPECT_TRUE(open.open);
  const Attempts closed = parse_attempts(to_text({.starts = 3, .open = false}));
  EXPECT_EQ(closed.starts, 3);
  EXPECT_FALSE(closed.open);
}

TEST(Attempts, OfAnUnknownTextAreNone) {
  for (const char* text : {"", "open", "3", "3 ajar", "99999999999 open", "-3 open"}) {
    EXPECT_EQ(parse_attempts(text).starts, 0) << text;
    EXPECT_FALSE(parse_attempts(text).open) << text;
  }
}

}  // namespace
}  // namespace worker_pool
