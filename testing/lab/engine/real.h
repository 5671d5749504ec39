// The system's own functions, which the lab's hooks of the same names hide. Linux only.
#pragma once

#include <dlfcn.h>

namespace worker_pool::lab {

// Returns the function that `hook` hides, by its name: real<&nanosleep>("nanosleep").
template <auto hook>
auto real(const char* name) {
  static const auto function = [name] {
    // The C library also has older condition variables, which dlsym() may return.
    void* const newer = dlvsym(RTLD_NEXT, name, "GLIBC_2.3.2");
    return reinterpret_cast<decltype(hook)>(newer != nullptr ? newer : dlsym(RTLD_NEXT, name));
  }();
  return function;
}

}  // namespace worker_pool::lab
