#include "full_pattern/console/standard_streams.h"

#include <iostream>
#include <string>
#include <string_view>

#include "full_pattern/signals/write_signals.h"

#if !defined(_WIN32)
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>
#include <system_error>
#endif

namespace worker_pool {
namespace {

#if defined(_WIN32)
void take_closed_descriptors() {}
#else
void take_closed_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) != -1) continue;
    // The wrong direction, so that each use fails. open() returns the lowest free descriptor, which
    // is this one.
    const int direction = descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY;
    if (open("/dev/null", direction) == -1) {
      throw std::system_error(errno, std::generic_category(), "/dev/null");
    }
  }
}
#endif

}  // namespace

void prepare_standard_streams() {
  ignore_write_signals();
  take_closed_descriptors();
}

bool flush_standard_output(std::string_view program) {
  if (std::cout.flush()) return true;
  std::cerr << std::string(program) + ": cannot write to standard output\n";
  return false;
}

}  // namespace worker_pool
