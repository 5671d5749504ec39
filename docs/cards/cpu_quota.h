// usable_cpus(): how many CPUs a process can keep busy in a container that has a CPU quota.
//
//   std::ifstream file("/sys/fs/cgroup/cpu.max");
//   std::string cpu_max;
//   std::getline(file, cpu_max);  // stays empty where there is no such file
//   const int workers = usable_cpus(std::thread::hardware_concurrency(), cpu_max);
//
// std::thread::hardware_concurrency() counts processors, and may ignore that the process is pinned
// to some of them: on Linux, pass the number that sched_getaffinity() reports instead. A quota,
// such as `docker run --cpus=2`, removes no processor. It limits the CPU time of each period, and
// the kernel stops all threads of the container when they have used it up. So a pool with a worker
// for each processor of a large machine stops and starts again all the time. (WP-41)
#pragma once

#include <algorithm>
#include <sstream>
#include <string>

namespace worker_pool {

// Returns the smaller of `processors` and the quota, rounded up to whole CPUs, and at least 1.
// `cpu_max` is the text of the file cpu.max of cgroup v2: the quota and its period in microseconds,
// as in "200000 100000" for two CPUs, or "max 100000" for no limit. Any other text means no limit
// too. A limit on a parent of the cgroup counts as well, but a container usually cannot read it.
inline int usable_cpus(unsigned processors, const std::string& cpu_max) {
  const int all = std::max(1, static_cast<int>(processors));  // 0: the library does not know
  std::istringstream fields(cpu_max);
  long long quota = 0;
  long long period = 0;
  if (!(fields >> quota >> period) || quota <= 0 || period <= 0) return all;
  const long long whole_cpus = quota / period + (quota % period == 0 ? 0 : 1);
  return static_cast<int>(std::min<long long>(all, whole_cpus));
}

}  // namespace worker_pool
