#include "show/demo_table.h"

#include <cinttypes>
#include <cstdio>

namespace worker_pool {

void read_status(const std::string& line, DemoCounts& counts) {
  DemoCounts read;
  const int found = std::sscanf(line.c_str(),
                                "status: done %" SCNu64 ", in hand %" SCNu64
                                ", redelivered %" SCNu64 ", failed %*u, buried %" SCNu64,
                                &read.done, &read.in_hand, &read.redelivered, &read.buried);
  if (found == 4) counts = read;
}

}  // namespace worker_pool
