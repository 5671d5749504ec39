#include "full_pattern/signals/signals.h"

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include "step4_shutdown/exit.h"

#if !defined(_WIN32)
#include <pthread.h>
#include <signal.h>
#endif

namespace worker_pool {

#if defined(_WIN32)

class ShutdownSignals::Waiter {
 public:
  explicit Waiter(std::function<void(int, int)> /*handle*/) {}
};

void ShutdownSignals::handle(int /*signal*/, int /*count*/) {}

#else

namespace {

sigset_t shutdown_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  struct sigaction at_start{};
  sigaction(SIGINT, nullptr, &at_start);
  if (at_start.sa_handler != SIG_IGN) sigaddset(&signals, SIGINT);
  return signals;
}

// Blocks the signals for the calling thread and the threads that it starts, until the end of the
// scope.
class Blocked {
 public:
  explicit Blocked(const sigset_t& signals) { pthread_sigmask(SIG_BLOCK, &signals, &before_); }
  Blocked(const Blocked&) = delete;
  Blocked& operator=(const Blocked&) = delete;
  ~Blocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

class ShutdownSignals::Waiter {
 public:
  explicit Waiter(std::function<void(int signal, int count)> handle)
      : signals_(shutdown_signals()),
        blocked_(signals_),
        thread_([this, handle = std::move(handle)] { wait(handle); }) {}

  ~Waiter() {
    over_ = true;
    pthread_kill(thread_.native_handle(), SIGTERM);  // to this thread only, which wakes it
    thread_.join();
  }

 private:
  void wait(const std::function<void(int signal, int count)>& handle) const {
    for (int count = 1;; ++count) {
      int signal = 0;
      sigwait(&signals_, &signal);
      if (over_) return;
      handle(signal, count);
    }
  }

  const sigset_t signals_;
  const Blocked blocked_;  // before thread_, which inherits the mask
  std::atomic<bool> over_ = false;
  std::thread thread_;
};

void ShutdownSignals::handle(int signal, int count) {
  if (count == 1) first_.request_stop();
  if (count == 2) second_.request_stop();
  if (count > 2) {
    // Leaving flushes standard output, which may block. Unblocked, one more signal ends that too.
    const sigset_t signals = shutdown_signals();
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
    exit_without_destructors(128 + signal);
  }
  try {
    if (listener_) listener_(signal, count);
  } catch (...) {  // a listener that fails must not end the program during a drain
  }
}

#endif

ShutdownSignals::ShutdownSignals(Listener listener)
    : listener_(std::move(listener)),
      waiter_(std::make_unique<Waiter>([this](int signal, int count) { handle(signal, count); })) {}

ShutdownSignals::~ShutdownSignals() = default;

}  // namespace worker_pool
