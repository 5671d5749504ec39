// The server's disk is full. A program of its own, because it gives the temporary folder a small
// file system, which only this process and its children see.
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <cstdint>
#include <iostream>
#include <string>

#include "scenarios/scenario.h"

namespace worker_pool {
namespace {

bool mount_temporary_folder(unsigned long flags, const char* size) {
  return mount("none", ::testing::TempDir().c_str(), "tmpfs", flags, size) == 0;
}

// While this process has one thread. An ordinary user may mount in a user namespace only.
bool make_temporary_folder_small() {
  if (unshare(CLONE_NEWNS) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
  return mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount_temporary_folder(0, "size=8m");
}

TEST(DiskFull, LosesNoAcceptedJob) {
  if (!make_temporary_folder_small()) GTEST_SKIP() << "this process may not mount a file system";
  constexpr int kJobs = 3000;
  const std::string work = "sleep 1 " + std::string(4000, '-');  // 12 MB in all
  Scenario scenario({"--ack_wait_ms=1000"});
  scenario.start_producer({"--jobs=" + std::to_string(kJobs), "--work=" + work, "--retry_ms=0"});
  scenario.await_line("producer: exit 1");
  const std::uint64_t accepted = scenario.broker().depth().jobs;
  std::cout << "The server accepted " << accepted << " jobs\n";
  scenario.await_line("producer: stored " + std::to_string(accepted) + " of " +
                      std::to_string(kJobs) + " jobs");  // neither more nor fewer
  ASSERT_GT(accepted, 100u);
  ASSERT_LT(accepted, static_cast<std::uint64_t>(kJobs));
  scenario.server().stop();
  ASSERT_TRUE(mount_temporary_folder(MS_REMOUNT, "size=64m"));
  scenario.server().start();
  for (const char* name : {"a", "b", "c"}) scenario.consumer(name);
  scenario.expect_all_done(accepted);
}

}  // namespace
}  // namespace worker_pool
