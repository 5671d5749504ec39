#include "full_pattern/signals/signals.h"

#include <array>
#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <stop_token>
#include <string_view>
#include <thread>
#include <utility>

#include "full_pattern/signals/write_signals.h"
#include "step2_worker/channel.h"
#include "step2_worker/forced_unwind.h"
#include "step4_shutdown/exit.h"

#if !defined(_WIN32)
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>
#endif

namespace worker_pool {

#if defined(_WIN32)

class ShutdownSignals::Waiter {
 public:
  Waiter(std::stop_source /*first*/, std::stop_source /*second*/, Listener /*listener*/) {}
};

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

// Returns whether the signal is pending for the process or for the calling thread.
bool is_pending(int signal) {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, signal) == 1;
}

// Takes the signals of the set that are pending for the calling thread alone, because raise() has
// sent them. Those that are pending for the process stay.
void discard_raised(const sigset_t& signals) {
  for (const int signal : kShutdownSignals) {
    if (sigismember(&signals, signal) != 1 || !is_pending(signal)) continue;
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

// Calls the listener, on a thread of its own. So a listener that blocks, for example because
// nothing reads what it prints, does not keep the program from seeing the next signal.
class ListenerThread {
 public:
  explicit ListenerThread(ShutdownSignals::Listener listener)
      : calls_(make_channel<Call>(kRoomForAll)) {
    if (!listener) return;
    thread_ = std::thread([listener = std::move(listener), calls = calls_.second] {
      while (const auto call = calls.receive()) call_listener(listener, *call);
    });
  }
  ListenerThread(const ListenerThread&) = delete;
  ListenerThread& operator=(const ListenerThread&) = delete;
  ~ListenerThread() { finish(); }

  // Without memory, the listener is not called for this signal.
  void call(int signal, int count) noexcept {
    try {
      (void)calls_.first.try_send({signal, count});
    } catch (const std::bad_alloc&) {
    }
  }

  // Accepts no more calls and waits for the accepted ones. Idempotent.
  void finish() {
    calls_.first.close();
    if (thread_.joinable()) thread_.join();
  }

 private:
  struct Call {
    int signal;
    int count;
  };
  static constexpr std::size_t kRoomForAll = 2;

  static void call_listener(const ShutdownSignals::Listener& listener, const Call& call) {
    try {
      listener(call.signal, call.count);
    } catch (...) {  // a listener that fails must not end the program during a drain
      rethrow_forced_unwind();
    }
  }

  std::pair<Sender<Call>, Receiver<Call>> calls_;
  std::thread thread_;
};

bool standard_output_takes_text() {
  pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0};
  return poll(&out, 1, 0) == 1;
}

// Takes the signals of the set that are pending. Only for the thread that waits for them.
void discard_pending(const sigset_t& signals) {
  for (const int signal : kShutdownSignals) {
    if (sigismember(&signals, signal) != 1 || !is_pending(signal)) continue;
    const sigset_t only = set_of(signal);
    int taken = 0;
    sigwait(&only, &taken);
  }
}

[[noreturn]] void leave(int signal) {
  const sigset_t signals = shutdown_signals();
  // Those that came together with this one must not end the program before it has left.
  discard_pending(signals);
  // What leaving still does may block. Unblocked, one more signal ends that too.
  pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);
  const int status = 128 + signal;
  if (!standard_output_takes_text()) exit_without_flush(status);
  exit_without_destructors(status);
}

}  // namespace

class ShutdownSignals::Waiter {
 public:
  Waiter(std::stop_source first, std::stop_source second, Listener listener)
      : first_(std::move(first)),
        second_(std::move(second)),
        signals_(shutdown_signals()),
        blocked_(signals_),
        listener_(std::move(listener)) {
    ignore_write_signals();
    thread_ = std::thread([this] { wait(); });
  }

  ~Waiter() {
    {
      const std::lock_guard lock(mutex_);  // a signal whose stop was requested is also announced
    }
    listener_.finish();  // first: as long as it blocks, a third signal must still be seen
    end_wait();
    thread_.join();
    discard_raised(signals_);  // they would end the program when they are unblocked
  }

 private:
  void wait() {
    for (int count = 1;; ++count) {
      int signal = 0;
      sigwait(&signals_, &signal);
      if (!handle(signal, count)) return;
    }
  }

  void end_wait() {
    const std::lock_guard lock(mutex_);
    over_ = true;
    pthread_kill(thread_.native_handle(), SIGTERM);  // to this thread only, which wakes it
  }

  // Returns false if the wait is over. Then `signal` is the SIGTERM of end_wait(), or that one is
  // still pending and `signal` was sent to the process. The process gets it back. If another
  // SIGTERM is pending for the process, the two merge.
  //
  // All of it under the lock, so that the destructor waits until a signal whose stop was requested
  // is also announced, and end_wait() sends no signal once leave() has unblocked them. So the stop
  // callbacks run under a lock, too. It is an exception to WP-31: only the destructor takes this
  // lock, and it has to wait for the callbacks anyway, because it joins their thread.
  bool handle(int signal, int count) {
    const std::lock_guard lock(mutex_);
    if (over_) {
      if (signal != SIGTERM || is_pending(SIGTERM)) kill(getpid(), signal);
      return false;
    }
    if (count > 2) leave(signal);
    (count == 1 ? first_ : second_).request_stop();
    listener_.call(signal, count);
    return true;
  }

  std::stop_source first_;
  std::stop_source second_;
  const sigset_t signals_;
  const Blocked blocked_;
  // The threads start while the signals are blocked, because they inherit the mask.
  ListenerThread listener_;
  std::mutex mutex_;  // guards over_, which is true exactly if end_wait() has sent its SIGTERM
  bool over_ = false;
  std::thread thread_;
};

std::string_view name_of_signal(int signal) {
  if (signal == SIGHUP) return "SIGHUP";
  return signal == SIGINT ? "SIGINT" : "SIGTERM";
}

#endif

ShutdownSignals::ShutdownSignals(Listener listener)
    : waiter_(std::make_unique<Waiter>(first_, second_, std::move(listener))) {}

ShutdownSignals::~ShutdownSignals() = default;

}  // namespace worker_pool
