#include "step4_shutdown/exit.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <thread>

#if !defined(_WIN32)
#include <pthread.h>
#endif

namespace worker_pool {
namespace {

// If the calling thread was canceled, its next cancellation point, such as the write of a flush,
// would unwind it out of a function that must not return.
void ignore_cancel() {
#if !defined(_WIN32)
  int before = 0;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before);
#endif
}

void flush_stdout() {
#if defined(_WIN32)
  std::cout.flush();
#else
  // An abandoned thread may hold the lock of stdout forever, so try the lock and do not wait for
  // it.
  if (ftrylockfile(stdout) != 0) return;
  std::cout.flush();
  std::fflush(stdout);
  funlockfile(stdout);
#endif
}

}  // namespace

void exit_without_destructors(int status) {
  ignore_cancel();
  try {
    flush_stdout();
  } catch (...) {  // std::cout may be set to throw when it cannot write
  }
  exit_without_flush(status);
}

void exit_without_flush(int status) {
  ignore_cancel();
  // Two threads in quick_exit() at once would be undefined behavior. After the flush, because a
  // first caller that is blocked there must not keep a second one from leaving.
  static std::atomic_flag is_leaving;
  while (is_leaving.test_and_set()) std::this_thread::sleep_for(std::chrono::hours(1));
#if defined(__APPLE__)
  std::_Exit(status);  // macOS has quick_exit only since version 15
#else
  std::quick_exit(status);
#endif
}

}  // namespace worker_pool
