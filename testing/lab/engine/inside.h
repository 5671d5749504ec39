// Is the running code the code under test, or the lab itself?
//
// Every hook asks this first. The lab is not compiled with hooks, but it shares templates with the
// code under test: of std::vector<int>::push_back, for example, the linker keeps one copy.
#pragma once

#include <cstdint>

namespace worker_pool::lab {

// The hooks call the functions of this file, which must not be the copies that were compiled with
// hooks: hence always inline. In a shared library, the first use of a thread_local variable by a
// thread may call malloc(), which is a hook and uses these variables. With this model their memory
// is there from the start.
#if defined(__GNUC__)
#define LAB_INLINE [[gnu::always_inline]] inline
#define LAB_THREAD_LOCAL [[gnu::tls_model("initial-exec")]] inline constinit thread_local
#else
#define LAB_INLINE inline
#define LAB_THREAD_LOCAL inline constinit thread_local
#endif

// These four belong to the calling thread.
LAB_THREAD_LOCAL int t_number = -1;          // in its scenario, or -1: in none
LAB_THREAD_LOCAL int t_inside = 0;           // above 0: in the lab
LAB_THREAD_LOCAL std::uint32_t t_stack = 0;  // the calls that led here (places.h)
// The lowest address that code under test may use as its stack, or 0: it grows down.
LAB_THREAD_LOCAL std::uintptr_t t_stack_limit = 0;

#undef LAB_THREAD_LOCAL

LAB_INLINE bool is_under_test() { return t_number >= 0 && t_inside == 0; }

// The scope is the lab's own code.
class Inside {
 public:
  LAB_INLINE Inside() { ++t_inside; }
  LAB_INLINE ~Inside() { --t_inside; }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
};

// The scope is code under test that the lab calls.
class Outside {
 public:
  LAB_INLINE Outside() { t_inside = 0; }
  LAB_INLINE ~Outside() { t_inside = before_; }
  Outside(const Outside&) = delete;
  Outside& operator=(const Outside&) = delete;

 private:
  const int before_ = t_inside;
};

#undef LAB_INLINE

}  // namespace worker_pool::lab
