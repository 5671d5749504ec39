#include "full_pattern/pool_size/usable_cpus.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <string>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif

namespace worker_pool {
namespace {

namespace fs = std::filesystem;

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

// A folder with files of its own in place of /proc and /sys.
class CpuQuota : public ::testing::Test {
 protected:
  CpuQuota() { fs::remove_all(root_); }

  void write(const fs::path& file, const std::string& text) {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }

  double quota() const { return cpu_quota(root_); }

  const fs::path root_ = fs::path(::testing::TempDir()) / "root";
};

TEST_F(CpuQuota, OfAContainerIsInItsRootGroup) {
  write("proc/self/cgroup", "0::/\n");
  write("sys/fs/cgroup/cpu.max", "150000 100000\n");
  EXPECT_EQ(quota(), 1.5);
}

TEST_F(CpuQuota, OfAServiceIsInItsOwnGroup) {
  write("proc/self/cgroup", "0::/system.slice/pool.service\n");
  write("sys/fs/cgroup/system.slice/pool.service/cpu.max", "300000 100000\n");
  EXPECT_EQ(quota(), 3);
}

TEST_F(CpuQuota, IsTheSmallestOfTheGroupsAbove) {
  write("proc/self/cgroup", "0::/a/b/c\n");
  write("sys/fs/cgroup/a/cpu.max", "400000 100000\n");
  write("sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
  write("sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
  EXPECT_EQ(quota(), 0.5);
}

TEST_F(CpuQuota, OfVersion1IsInTwoFiles) {
  write("proc/self/cgroup", "5:memory:/a\n4:cpu,cpuacct:/a\n0::/\n");
  write("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "250000\n");
  write("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 2.5);
}

TEST_F(CpuQuota, OfVersion1IsFoundByTheNameOfTheController) {
  write("proc/self/cgroup", "4:cpuacct,cpu:/a\n");
  write("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "250000\n");
  write("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 2.5);
}

// The path is one of the host. The container's own group is the folder that it sees.
TEST_F(CpuQuota, OfAContainerIsFoundUnderAPathOfTheHost) {
  write("proc/self/cgroup", "4:cpu,cpuacct:/docker/0123456789ab\n");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "200000\n");
  write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), 2);
}

TEST_F(CpuQuota, IsUnlimitedUnlessTheFilesSayOtherwise) {
  EXPECT_EQ(quota(), kNoLimit) << "without files";
  write("proc/self/cgroup", "0::/\n1:cpuset:/\nno group\n:\n");
  EXPECT_EQ(quota(), kNoLimit) << "without a limit";
  for (const char* text : {"", "max 100000", "200000", "200000 0", "-1 100000", "two 100000"}) {
    write("sys/fs/cgroup/cpu.max", text);
    EXPECT_EQ(quota(), kNoLimit) << "\"" << text << "\"";
  }
  write("proc/self/cgroup", "4:cpu:/\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), kNoLimit) << "with -1";
}

TEST_F(CpuQuota, OfAnotherControllerDoesNotCount) {
  write("proc/self/cgroup", "4:cpuset,cpuacct:/a\n");
  write("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "250000\n");
  write("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(quota(), kNoLimit);
}

TEST(UsableCpus, AreTheSmallerLimitRoundedUp) {
  EXPECT_EQ(usable_cpus(8, 1.5), 2);
  EXPECT_EQ(usable_cpus(8, 0.2), 1);
  EXPECT_EQ(usable_cpus(8, 2), 2);
  EXPECT_EQ(usable_cpus(2, 6), 2);
  EXPECT_EQ(usable_cpus(4, kNoLimit), 4);
  EXPECT_EQ(usable_cpus(8, -kNoLimit), 1);
  EXPECT_EQ(usable_cpus(0, kNoLimit), 1) << "the number of processors is unknown";
}

TEST(UsableCpus, AreAtLeastOneAndAtMostTheProcessors) {
  EXPECT_GE(usable_cpus(), 1);
  const unsigned processors = std::thread::hardware_concurrency();  // 0: unknown
  EXPECT_LE(usable_cpus(), processors == 0 ? 1 : static_cast<int>(processors));
}

// In a container with a quota: elsewhere, every number is within it.
TEST(UsableCpus, AreWithinTheQuota) {
  EXPECT_LE(usable_cpus(), usable_cpus(std::numeric_limits<int>::max(), cpu_quota()));
}

#ifdef __linux__
TEST(UsableCpus, AreLimitedByTheAffinity) {
  int cpus = 0;
  std::thread([&cpus] {  // the affinity of this thread only
    cpu_set_t allowed;
    ASSERT_EQ(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    int first = 0;
    while (!CPU_ISSET(first, &allowed)) ++first;
    CPU_ZERO(&allowed);
    CPU_SET(first, &allowed);
    ASSERT_EQ(sched_setaffinity(0, sizeof allowed, &allowed), 0);
    cpus = usable_cpus();
  })
      .join();
  EXPECT_EQ(cpus, 1);
}
#endif

}  // namespace
}  // namespace worker_pool
