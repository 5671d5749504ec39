#include "full_pattern/pool_size/usable_cpus.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <limits>
#include <memory>
#include <sstream>
#include <string>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif

namespace worker_pool {
namespace {

namespace fs = std::filesystem;

constexpr double kNoLimit = std::numeric_limits<double>::infinity();

double limit_of(double quota, double period) {
  return quota > 0 && period > 0 ? quota / period : kNoLimit;  // v1 has -1 for no limit
}

// cpu.max has a quota and its period in microseconds, as in "150000 100000", or "max 100000".
double limit_v2(const fs::path& group) {
  double quota = 0;
  double period = 0;
  std::ifstream(group / "cpu.max") >> quota >> period;
  return limit_of(quota, period);
}

double limit_v1(const fs::path& group) {
  double quota = 0;
  double period = 0;
  std::ifstream(group / "cpu.cfs_quota_us") >> quota;
  std::ifstream(group / "cpu.cfs_period_us") >> period;
  return limit_of(quota, period);
}

// The smallest limit of `group`, which is a path below `mount`, and of those above it. In a
// container, `group` may be a path of the host that does not exist here: then `mount` itself is the
// container's group.
double smallest_limit(const fs::path& mount, fs::path group, double (*limit)(const fs::path&)) {
  double smallest = limit(mount);
  for (group = group.relative_path(); !group.empty(); group = group.parent_path()) {
    smallest = std::min(smallest, limit(mount / group));
  }
  return smallest;
}

bool names_cpu(const std::string& controllers) {
  std::istringstream names(controllers);
  for (std::string name; std::getline(names, name, ',');) {
    if (name == "cpu") return true;
  }
  return false;
}

// A line of /proc/self/cgroup: "0::/path" (v2), or "4:cpu,cpuacct:/path" (v1).
double limit_of_line(const fs::path& root, const std::string& line) {
  const std::size_t first = line.find(':');
  const std::size_t second = line.find(':', first + 1);
  if (first == std::string::npos || second == std::string::npos) return kNoLimit;
  const std::string controllers = line.substr(first + 1, second - first - 1);
  const fs::path group = line.substr(second + 1);
  const fs::path mounts = root / "sys/fs/cgroup";
  if (controllers.empty()) return smallest_limit(mounts, group, limit_v2);
  if (!names_cpu(controllers)) return kNoLimit;
  // The folder is named after all its controllers, and usually linked under the name of each.
  return std::min(smallest_limit(mounts / "cpu", group, limit_v1),
                  smallest_limit(mounts / controllers, group, limit_v1));
}

int usable_processors() {
#ifdef __linux__
  // The kernel refuses a set that is too small for the machine.
  for (int processors = 1024; processors <= (1 << 20); processors *= 2) {
    const auto set = std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)>(
        CPU_ALLOC(processors), [](cpu_set_t* it) { CPU_FREE(it); });
    if (set == nullptr) break;
    const std::size_t size = CPU_ALLOC_SIZE(processors);
    if (sched_getaffinity(0, size, set.get()) == 0) return CPU_COUNT_S(size, set.get());
  }
#endif
  return static_cast<int>(std::thread::hardware_concurrency());  // 0: unknown
}

}  // namespace

double cpu_quota(const fs::path& root) {
  double smallest = kNoLimit;
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    smallest = std::min(smallest, limit_of_line(root, line));
  }
  return smallest;
}

int usable_cpus() { return usable_cpus(usable_processors(), cpu_quota()); }

int usable_cpus(int processors, double quota) {
  const double cpus = std::min<double>(processors, std::ceil(quota));
  return static_cast<int>(std::max(1.0, cpus));
}

}  // namespace worker_pool
