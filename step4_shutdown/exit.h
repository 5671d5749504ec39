// exit_without_destructors(): ends a program that had to abandon a thread.
//
//   const ShutdownReport report = shutdown(workers);
//   if (report.outcome == ShutdownOutcome::kAbandoned) exit_without_destructors(3);
//
// Returning from main() destroys the program's static objects, which an abandoned thread may still
// be using: undefined behavior. This function destroys nothing. (WP-13)
#pragma once

namespace worker_pool {

// Flushes standard output and calls std::quick_exit(status). On macOS, which has quick_exit only
// since version 15, it calls std::_Exit(status), which does not run the functions registered with
// std::at_quick_exit.
//
// 1. Skips the flush if another thread holds the lock of stdout, because that thread may be stuck.
//    On Windows it does not check, and waits for that thread.
// 2. Flushes no other stream.
// 3. Blocks for as long as standard output does, for example on a pipe that is not read. After
//    std::ios::sync_with_stdio(false), no other thread may be using std::cout: call
//    exit_without_flush().
// 4. May be called from any thread, and from several at once: the first one to finish its flush
//    ends the program with its status, and the others sleep until then. Must not be called by a
//    function registered with std::at_quick_exit, nor while another thread is in std::exit() or
//    returns from main().
// 5. Also ends the program if pthread_cancel() was called for the calling thread.
[[noreturn]] void exit_without_destructors(int status);

// Does the same without the flush, so it does not wait for a reader of standard output.
[[noreturn]] void exit_without_flush(int status);

}  // namespace worker_pool
