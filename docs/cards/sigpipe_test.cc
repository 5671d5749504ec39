// Writing to a pipe or a socket that is not read any more sends SIGPIPE, which ends the process. A
// process that ignores the signal gets an error instead. (WP-37)
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace worker_pool {
namespace {

using ::testing::ExitedWithCode;
using ::testing::KilledBySignal;

// Returns 0, or errno.
int write_to_a_closed_pipe() {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return errno;
  close(ends[0]);
  return write(ends[1], "reply", 5) == 5 ? 0 : errno;
}

TEST(SigpipeDeathTest, EndsTheProcess) {
  const auto write_by_default = [] {
    signal(SIGPIPE, SIG_DFL);  // this test may have been started with SIGPIPE ignored
    _exit(write_to_a_closed_pipe());
  };
  EXPECT_EXIT(write_by_default(), KilledBySignal(SIGPIPE), "");
}

TEST(SigpipeDeathTest, IsAnErrorWhereItIsIgnored) {
  const auto write_with_sigpipe_ignored = [] {
    signal(SIGPIPE, SIG_IGN);
    _exit(write_to_a_closed_pipe());
  };
  EXPECT_EXIT(write_with_sigpipe_ignored(), ExitedWithCode(EPIPE), "");
}

}  // namespace
}  // namespace worker_pool
