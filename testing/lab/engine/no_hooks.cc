// In place of the hooks, where the compiler or the system does not have what they need.
#include "testing/lab/engine/hooks.h"

namespace worker_pool::lab {

bool has_hooks() { return false; }
void begin_schedule_memory() {}
std::size_t blocks_in_use() { return 0; }
void abandon_schedule_memory() {}

}  // namespace worker_pool::lab
