// rethrow_forced_unwind(): for each `catch (...)` around code that we do not know.
//
//   try {
//     observer.job_started(job);
//   } catch (...) {
//     rethrow_forced_unwind();  // first
//   }
//
// With glibc, pthread_exit() and pthread_cancel() end a thread by unwinding its stack, so that
// destructors run. This is no exception, but `catch (...)` catches it. If the handler does not
// throw it again, the library ends the program: "FATAL: exception not rethrown". (WP-04)
// abi::__cxa_current_exception_type() does not recognize it: libstdc++ looks for the type in memory
// that a forced unwind does not have, and returns what it finds there.
//
// pthread_cancel() only asks for the end. The thread goes on to its next cancellation point, such
// as a wait, which may be in code that has nothing to do with the request.
// end_thread_if_canceled() is such a point, at a place of our choice.
//
// Few programs end a thread like this. With the GNU C library, libstdc++ and the default cancel
// type, PTHREAD_CANCEL_DEFERRED, this is what workers and pools then do. Elsewhere, the program
// may end.
//  1. A job that ends its own thread ends its worker. The job is reported as kThrew with
//     `ended_thread`, and the worker leaves the group. The same happens if a cancel is pending when
//     the handler returns or throws. A cancel from another thread that comes while the worker waits
//     for a job ends it there, or after the next job, which is then reported in this way.
//  2. No other worker takes its place. If none is left, no queued job runs: the destructor of a
//     Workers drops them, and shutdown() hands them back, with the outcome kCancelled. A WorkerPool
//     still accepts jobs until its queue is full; then submit() blocks until close() or shutdown().
//  3. pthread_cancel() must not end a thread that is in shutdown(): that may destroy jobs that were
//     to be handed back.
#pragma once

#include <exception>  // also defines __GLIBC__ and __GLIBCXX__

#if defined(__GLIBC__) && defined(__GLIBCXX__)
#include <pthread.h>
#endif

namespace worker_pool {

// Inside a `catch (...)`: whether what was caught ends the thread. It must be thrown again then.
inline bool is_forced_unwind() { return std::current_exception() == nullptr; }

inline void rethrow_forced_unwind() {
  if (is_forced_unwind()) throw;
}

// Does nothing where is_forced_unwind() cannot recognize the end.
inline void end_thread_if_canceled() {
#if defined(__GLIBC__) && defined(__GLIBCXX__)
  pthread_testcancel();
#endif
}

}  // namespace worker_pool
