// usable_cpus(): how many CPUs this process can keep busy, for the number of workers.
//
//   WorkerPool pool({.workers = usable_cpus()}, handler);
//
// std::thread::hardware_concurrency() counts the processors of the machine. In a container that is
// often wrong: `docker run --cpus=2`, or the CPU limit of a Kubernetes pod, removes no processor.
// It sets a *quota*: so much CPU time for each period, usually 200 ms for each 100 ms. When the
// threads of the container have used it up, the kernel stops all of them until the next period. So
// a pool with a worker for each of 64 processors works for 3 ms and then stands still for 97.
// (WP-41)
#pragma once

#include <filesystem>

namespace worker_pool {

// Returns the smallest of these, rounded up to whole CPUs, and at least 1:
//
//   1. the processors that the calling thread may run on: on Linux, it may be pinned to some of
//      them (taskset, cpuset), and new threads inherit that; elsewhere, hardware_concurrency();
//   2. on Linux, the quota of the process's control group and of each group above it that is
//      visible: cpu.max (cgroup v2), or cpu.cfs_quota_us and cpu.cfs_period_us (v1).
//
// Reads a few small files, and ignores what is missing or malformed: then there is no limit. A
// container usually does not see limits above its own. It expects the control groups below
// /sys/fs/cgroup, where systemd and container runtimes put them. Thread-safe. Throws std::bad_alloc
// only.
//
// The quota may change later, so a program that wants to follow it has to ask again.
int usable_cpus();

// The same from both numbers, such as those of another machine: usable_cpus(8, 1.5) is 2.
int usable_cpus(int processors, double quota);

// The limit of rule 2 alone, in CPUs, such as 1.5. Infinity: there is none. `root` is where /proc
// and /sys are, so that a test can have its own.
double cpu_quota(const std::filesystem::path& root = "/");

}  // namespace worker_pool
