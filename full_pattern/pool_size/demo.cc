// Prints how many workers a pool for CPU-bound jobs needs here, and why.
#include <cmath>
#include <iostream>
#include <thread>

#include "full_pattern/pool_size/usable_cpus.h"

int main() {
  const double quota = worker_pool::cpu_quota();
  std::cout << "processors: " << std::thread::hardware_concurrency() << "\n"
            << "CPU quota:  ";
  std::isinf(quota) ? std::cout << "none" : std::cout << quota;
  std::cout << "\nworkers:    " << worker_pool::usable_cpus() << "\n";
}
