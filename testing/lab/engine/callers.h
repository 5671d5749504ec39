// Which line of the code under test has called a hook? Linux only.
#pragma once

#include <cstdint>
#include <string>

#include "testing/lab/engine/places.h"

namespace worker_pool::lab {

// `address` is where the hook returns to. If that is in a shared library, such as libstdc++.so, the
// place is where the program called the library.
Place place_in_program(std::uintptr_t address);

// What the source line at this place calls the object that it operates on, such as "not_full_" in
// `not_full_.notify_all();`. If it does not say, `otherwise`.
std::string name_in_source(const Place& place, const std::string& otherwise);

}  // namespace worker_pool::lab
