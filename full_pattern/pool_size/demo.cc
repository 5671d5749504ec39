// Prints how many workers a pool for CPU-bound jobs needs here, and why.
#include <cmath>
#include <iostream>
#include <thread>

#include "full_pattern/pool_size/usable_cpus.h"

int main() {
  const double quota = worker_pool::cpu_quota();
  std::cout << "processors: " << std::thread::hardware_concurrency() << "\n"
            << "CPU quota:  ";
  if (std::isinf(quota)) std::cout << "none\n";
  if (!std::isinf(quota)) std::cout << quota << "\n";
  std::cout << "workers:    " << worker_pool::usable_cpus() << "\n";
}
