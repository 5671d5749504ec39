#include "testing/lab/engine/objects.h"

#include <string>

namespace worker_pool::lab {

std::string Objects::name_of(const void* object) const {
  if (const auto it = mutexes.find(object); it != mutexes.end()) return it->second.name;
  if (const auto it = condition_variables.find(object); it != condition_variables.end()) {
    return it->second.name;
  }
  if (const auto it = atomics.find(object); it != atomics.end()) return it->second.name;
  return "";
}

void Objects::forget_atomics(const void* begin, std::size_t size) {
  const void* const end = static_cast<const char*>(begin) + size;
  atomics.erase(atomics.lower_bound(begin), atomics.lower_bound(end));
}

bool Objects::is_spinning(int thread, const void* object, std::uint64_t value) const {
  const LastLoad& last = last_loads_[static_cast<std::size_t>(thread)];
  return last.object == object && last.value == value && last.times >= 2;
}

void Objects::remember_load(int thread, const void* object, std::uint64_t value) {
  LastLoad& last = last_loads_[static_cast<std::size_t>(thread)];
  if (last.object != object || last.value != value) last = {.object = object, .value = value};
  ++last.times;
}

}  // namespace worker_pool::lab
