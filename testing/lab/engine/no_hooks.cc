// In place of the hooks, where the compiler or the system does not have what they need.
#include "testing/lab/engine/memory.h"

namespace worker_pool::lab {

void begin_schedule_memory() {}
void abandon_schedule_memory() {}

}  // namespace worker_pool::lab
