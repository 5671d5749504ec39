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
