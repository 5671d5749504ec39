// ShutdownSignals: turns SIGINT, SIGTERM and SIGHUP into stop requests that become more urgent. A
// program gets the last one when its terminal is closed or the connection to it is lost. POSIX.
//
//   int main() {
//     const ShutdownSignals signals(announce);    // first: before any other thread exists
//     WorkerPool pool(options, handler);
//     const std::stop_callback close(signals.first(), [&pool] { pool.close(); });
//     while (pool.submit(next_job()) == SendStatus::kSent) {}
//     const ShutdownReport report = pool.shutdown({.drain = 30s}, signals.second());
//     if (report.outcome == ShutdownOutcome::kAbandoned) exit_without_destructors(3);
//   }
//
//   first    close: finish the accepted jobs      first() is stopped
//   second   cancel now                           second() is stopped
//   third    leave now                            exit_without_destructors(128 + signal)
//
// So the exit status after a third signal is 130 for SIGINT, 143 for SIGTERM and 129 for SIGHUP,
// unless the program is leaving already. What std::cout has not yet written is lost if standard
// output would block.
//
// A shutdown must not end early because the reader of the output has gone. After Ctrl-C in
// `service | tee log`, for example, tee is the first to exit. So this class also ignores SIGPIPE,
// and a write that fails is an error: see write_signals.h. (WP-37)
//
// There is no signal handler, because almost nothing is allowed in one: printing, allocating or
// locking there is undefined behavior. Instead every thread blocks the signals, and one thread
// waits for them in sigwait() and then runs ordinary code. (WP-20) Another one calls the listener.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string_view>

namespace worker_pool {

//   1. A program has at most one, constructed in main() before any other thread starts. Threads
//      inherit the blocked signals of their creator; an earlier thread could still receive a
//      signal, which ends the program. The same thread destroys it, which restores the former
//      signal mask.
//   2. A blocked signal is not lost: it stays pending until the waiting thread takes it. One that
//      comes too late for this object has its usual effect after the destructor.
//   3. Only process-directed signals (`kill`, Ctrl-C) are seen. raise() sends a signal to the
//      calling thread, where nothing waits for it: call kill(getpid(), SIGTERM) instead. What the
//      thread of main() has raised is discarded by the destructor.
//   4. The signals count together. Two that arrive at the same time may count as one, because the
//      system does not queue them.
//   5. A SIGINT or SIGHUP that was ignored when the program started stays ignored. nohup ignores
//      SIGHUP, and a shell without job control, such as one that runs a script, starts background
//      commands with SIGINT ignored.
//   6. SIGPIPE and SIGXFSZ stay ignored when the object is destroyed, see write_signals.h.
//   7. Child processes inherit the blocked and the ignored signals. Unblock the former and restore
//      SIG_DFL for the latter between fork() and exec(), or use posix_spawn(), as
//      testing/child_process.cc does. A child that does not call exec() must leave by _exit(): it
//      does not have the threads that the destructor joins. (WP-36)
//
// On Windows no signal is handled: both tokens are never stopped, and Ctrl-C ends the program.
class ShutdownSignals {
 public:
  // Called for the first and the second signal, one call after the other, on a thread of its own,
  // after the stop was requested. It may print, lock and block: the next signal is seen all the
  // same. The destructor waits for it, and a third signal ends that wait too. A signal that comes
  // once the destructor has begun, or when there is no memory, may not be announced. What it throws
  // is dropped. Print with std::fputs() to stderr if the text must appear while a worker is blocked
  // in std::cout: std::cerr flushes std::cout first.
  using Listener = std::function<void(int signal, int count)>;

  // Throws std::system_error if a thread cannot be started, and std::bad_alloc. No signal is
  // blocked then.
  explicit ShutdownSignals(Listener listener = {});
  ShutdownSignals(const ShutdownSignals&) = delete;
  ShutdownSignals& operator=(const ShutdownSignals&) = delete;
  ~ShutdownSignals();  // waits for the calls of the listener, then restores the signal mask

  // A std::stop_callback on one of these tokens runs on the waiting thread. It may take a lock that
  // is held only briefly, as WorkerPool::close() does. It must not wait for anything else, nor
  // print: while it blocks, no further signal is seen, and the destructor waits for it. So do not
  // destroy this object under a lock that such a callback takes.
  std::stop_token first() const { return first_.get_token(); }
  std::stop_token second() const { return second_.get_token(); }

 private:
  class Waiter;

  std::stop_source first_;
  std::stop_source second_;
  std::unique_ptr<Waiter> waiter_;
};

// Returns "SIGHUP", "SIGINT" or "SIGTERM", for what a Listener prints.
std::string_view name_of_signal(int signal);

}  // namespace worker_pool
