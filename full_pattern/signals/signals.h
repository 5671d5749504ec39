// ShutdownSignals: SIGINT and SIGTERM as requests that grow more urgent. POSIX.
//
//   int main() {
//     const ShutdownSignals signals(say_so);      // first of all: before any other thread exists
//     WorkerPool pool(options, handler);
//     const std::stop_callback close(signals.first(), [&pool] { pool.close(); });
//     while (pool.submit(next_job()) == SendStatus::kSent) {}
//     const ShutdownReport report = pool.shutdown({.drain = 30s}, signals.second());
//     if (report.outcome == ShutdownOutcome::kAbandoned) exit_without_destructors(3);
//   }
//
//   first    accept no more, finish what was accepted    first() is stopped
//   second   cancel now                                  second() is stopped
//   third    leave now     exit_without_destructors(128 + signal): 130 for SIGINT, 143 for SIGTERM
//
// There is no signal handler. In one, hardly anything is allowed: printing, allocating or taking a
// lock is undefined there. Instead both signals are blocked in every thread, and one thread waits
// for them as for anything else (sigwait). What it calls is ordinary code. (WP-20)
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

namespace worker_pool {

// A blocked signal is not lost: it waits until somebody fetches it. Heard are the signals that are
// sent to the process, as by kill or Ctrl-C, not those to one thread, as by raise().
//
// One in a program, made in main() while there is no other thread: threads inherit what their
// maker blocks, and a thread from before could still receive a signal, which ends the program. The
// same thread destroys it; then the signals do again what they did before.
//
// Both signals count together. Two that come at once may count as one: the system keeps no
// list of them. SIGINT is left alone in a program that was started with it ignored, as shells do
// for what runs in the background. Programs that this one starts inherit the blocked signals: they
// have to be unblocked between fork() and exec().
//
// On Windows no signal is waited for: both tokens stay quiet, and Ctrl-C ends the program at once.
class ShutdownSignals {
 public:
  // Told of the first and the second signal, on the waiting thread, after the stop was requested.
  // While it blocks no further signal is heard, and the destructor waits for it. So it should not
  // print through std::cout, nor through std::cerr, which flushes std::cout first: a worker may be
  // stuck there. What it throws is dropped.
  using Listener = std::function<void(int signal, int count)>;

  // Throws std::system_error when the thread cannot be started; nothing is blocked then.
  explicit ShutdownSignals(Listener listener = {});
  ShutdownSignals(const ShutdownSignals&) = delete;
  ShutdownSignals& operator=(const ShutdownSignals&) = delete;
  ~ShutdownSignals();  // unblocks; waits for the listener

  // A std::stop_callback on one of these runs on the waiting thread. It must not block: nobody
  // would hear the next signal.
  std::stop_token first() const { return first_.get_token(); }
  std::stop_token second() const { return second_.get_token(); }

 private:
  class Waiter;

  void heard(int signal, int count);

  const Listener listener_;
  std::stop_source first_;
  std::stop_source second_;
  std::unique_ptr<Waiter> waiter_;  // last: it uses everything above (WP-21)
};

}  // namespace worker_pool
