#include "full_pattern/signals/write_signals.h"

#if !defined(_WIN32)
#include <signal.h>

#include <initializer_list>
#endif

namespace worker_pool {

#if defined(_WIN32)

void ignore_write_signals() {}

#else

void ignore_write_signals() {
  for (const int signal : {SIGPIPE, SIGXFSZ}) {
    struct sigaction now{};
    sigaction(signal, nullptr, &now);
    if (now.sa_handler == SIG_DFL) ::signal(signal, SIG_IGN);
  }
}

#endif

}  // namespace worker_pool
