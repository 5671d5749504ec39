#include "full_pattern/signals/signals.h"

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>

#include "full_pattern/signals/write_signals.h"
#include "step1_job/forced_unwind.h"
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

std::string_view name_of_signal(int /*signal*/) { return "a signal"; }

#else

namespace {

constexpr std::array kShutdownSignals = {SIGHUP, SIGINT, SIGTERM};

sigset_t set_of(int signal) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, signal);
  return signals;
}

sigset_t shutdown_signals() {
  sigset_t signals = set_of(SIGTERM);
  for (const int signal : kShutdownSignals) {
    struct sigaction at_start{};
    sigaction(signal, nullptr, &at_start);
    if (at_start.sa_handler != SIG_IGN) sigaddset(&signals, signal);
  }
  return signals;
}

// Takes the signals of the set that are pending for the calling thread alone, because raise() has
// sent them. Those that are pending for the process stay.
void discard_raised(const sigset_t& signals) {
  sigset_t pending;
  sigpending(&pending);
  for (const int signal : kShutdownSignals) {
    if (sigismember(&signals, signal) != 1 || sigismember(&pending, signal) != 1) continue;
    // If the pending one is for the process, another thread may take it first. This one merges with
    // one that is pending for this thread already, so sigwait() takes both and never blocks.
    raise(signal);
    const sigset_t only = set_of(signal);
    int taken = 0;
    sigwait(&only, &taken);
  }
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
      : signals_(shutdown_signals()), blocked_(signals_) {
    ignore_write_signals();
    thread_ = std::thread([this, handle = std::move(handle)] { wait(handle); });
  }

  ~Waiter() {
    over_ = true;
    pthread_kill(thread_.native_handle(), SIGTERM);  // to this thread only, which wakes it
    thread_.join();
    discard_raised(signals_);  // they would end the program when they are unblocked
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
  const Blocked blocked_;
  std::atomic<bool> over_ = false;
  std::thread thread_;  // started while the signals are blocked, because it inherits the mask
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
    rethrow_forced_unwind();
  }
}

std::string_view name_of_signal(int signal) {
  if (signal == SIGHUP) return "SIGHUP";
  return signal == SIGINT ? "SIGINT" : "SIGTERM";
}

#endif

ShutdownSignals::ShutdownSignals(Listener listener)
    : listener_(std::move(listener)),
      waiter_(std::make_unique<Waiter>([this](int signal, int count) { handle(signal, count); })) {}

ShutdownSignals::~ShutdownSignals() = default;

}  // namespace worker_pool
