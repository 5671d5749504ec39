// ForcedUnwind: what pthread_exit() and pthread_cancel() throw through the functions of a thread.
//
//   try {
//     handler(job);
//   } catch (const ForcedUnwind&) {
//     throw;                                  // first: it must be passed on
//   } catch (...) {
//     report("threw");
//   }
//
// The GNU C library ends a thread by unwinding its stack, so that destructors run. This is no
// exception, but `catch (...)` catches it. If the handler does not throw it again, the library ends
// the program: "FATAL: exception not rethrown". (WP-04)
#pragma once

#if __has_include(<cxxabi.h>)
#include <cxxabi.h>
#endif

namespace worker_pool {

#if defined(__GLIBCXX__) && defined(__GLIBC__)
using ForcedUnwind = abi::__forced_unwind;
#else
struct ForcedUnwind {
};  // Other systems do not unwind, or give it no type. This one is never thrown.
#endif

}  // namespace worker_pool
