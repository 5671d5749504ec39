// The functions that the compiler calls in code compiled with -fsanitize=thread: before each access
// to plain memory, in place of each operation on an atomic, and around each function body. They are
// ThreadSanitizer's; the lab takes its place. So never link with -fsanitize=thread.
//
// Each returns at once, or does only what it stands for, unless the code under test calls it.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "testing/lab/engine/crashes.h"
#include "testing/lab/engine/hooks.h"
#include "testing/lab/engine/inside.h"
#include "testing/lab/engine/places.h"
#include "testing/lab/engine/scheduler.h"
#include "testing/lab/engine/sync.h"

namespace worker_pool::lab {
namespace {

void access(const void* address, std::size_t size, bool is_write, std::uintptr_t from) {
  if (!is_under_test() || size == 0) return;
  const Inside inside;
  Scheduler& scheduler = Scheduler::current();
  if (is_write) scheduler.objects().forget_atomics(address, size);  // new objects may begin here
  scheduler.access(address, size,
                   {.verb = is_write ? "writes" : "reads",
                    .is_write = is_write,
                    .place = {.address = from, .stack = t_stack}});
}

// The compiler passes a memory order as an int, with flags of its own above the lower bits.
std::memory_order order_of(int order) { return static_cast<std::memory_order>(order & 0x7); }

// An operation on an atomic of the code under test.
template <class T>
class AtomicOperation {
 public:
  AtomicOperation(const volatile T* object, std::uintptr_t from)
      : object_(const_cast<const T*>(object)),
        op_{.scheduler = Scheduler::current(),
            .object = object_,
            .place = {.address = from, .stack = t_stack},
            .is_point =
                !is_reference_count(from) || Scheduler::current().options().reference_counts} {}

  T load(std::memory_order order) {
    return static_cast<T>(
        sync::load(op_, sizeof(T), order, [this] { return static_cast<std::uint64_t>(*object_); }));
  }

  // Returns the value before. `change` turns it into the value after.
  template <class Change>
  T update(Change change, std::memory_order order) {
    if (change(*object_) == *object_) sync::give_way_if_spinning(op_, *object_);
    sync::before_update(op_, sizeof(T), order);
    const T before = *object_;
    write(before, change(before), order);
    return before;
  }

  void store(T value, std::memory_order order) {
    sync::before_store(op_, sizeof(T), order);
    write(*object_, value, order);
  }

  bool compare_exchange(T& expected, T desired, std::memory_order order, std::memory_order failure,
                        bool is_weak) {
    if (*object_ != expected) sync::give_way_if_spinning(op_, *object_);
    sync::before_compare(op_, sizeof(T));
    const T before = *object_;
    if (before != expected || (is_weak && sync::weak_compare_fails(op_))) {
      sync::compare_fails(op_, static_cast<std::uint64_t>(before), failure);
      expected = before;
      return false;
    }
    sync::compare_succeeds(op_, sizeof(T), order);
    write(before, desired, order);
    return true;
  }

 private:
  void write(T before, T after, std::memory_order order) {
    *const_cast<T*>(object_) = after;
    sync::remember_store(op_, static_cast<std::uint64_t>(before), static_cast<std::uint64_t>(after),
                         order);
  }

  const T* const object_;
  const sync::Operation op_;
};

template <class T>
T load(const volatile T* object, int order, std::uintptr_t from) {
  if (!is_under_test()) return __atomic_load_n(object, __ATOMIC_SEQ_CST);
  const Inside inside;
  return AtomicOperation<T>(object, from).load(order_of(order));
}

template <class T>
void store(volatile T* object, T value, int order, std::uintptr_t from) {
  if (!is_under_test()) return __atomic_store_n(object, value, __ATOMIC_SEQ_CST);
  const Inside inside;
  AtomicOperation<T>(object, from).store(value, order_of(order));
}

template <class T, class Change>
T update(volatile T* object, int order, std::uintptr_t from, Change change) {
  if (is_under_test()) {
    const Inside inside;
    return AtomicOperation<T>(object, from).update(change, order_of(order));
  }
  T before = __atomic_load_n(object, __ATOMIC_SEQ_CST);
  while (!__atomic_compare_exchange_n(object, &before, change(before), false, __ATOMIC_SEQ_CST,
                                      __ATOMIC_SEQ_CST)) {
  }
  return before;
}

template <class T>
bool compare_exchange(volatile T* object, T& expected, T desired, int order, int failure,
                      bool is_weak, std::uintptr_t from) {
  if (!is_under_test()) {
    return __atomic_compare_exchange_n(object, &expected, desired, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
  }
  const Inside inside;
  return AtomicOperation<T>(object, from)
      .compare_exchange(expected, desired, order_of(order), order_of(failure), is_weak);
}

}  // namespace

bool has_hooks() { return true; }

}  // namespace worker_pool::lab

using namespace worker_pool::lab;  // the functions below have no namespace

// The names, and the need for one function for each size, are the compiler's: hence the macros.
extern "C" {

void __tsan_init() {}

void __tsan_func_entry(void* from) {
  if (!is_under_test()) return;
  const Inside inside;
  t_stack = called_from(t_stack, reinterpret_cast<std::uintptr_t>(from));
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  if (here < t_stack_limit) fail_by_stack_overflow();
}

void __tsan_func_exit() {
  if (!is_under_test()) return;
  const Inside inside;
  t_stack = returned_from(t_stack);
}

#define LAB_PLAIN_ACCESSES(size)                                                               \
  void __tsan_read##size(void* p) { access(p, size, false, return_address()); }                \
  void __tsan_write##size(void* p) { access(p, size, true, return_address()); }                \
  void __tsan_unaligned_read##size(void* p) { access(p, size, false, return_address()); }      \
  void __tsan_unaligned_write##size(void* p) { access(p, size, true, return_address()); }      \
  void __tsan_read_write##size(void* p) { access(p, size, true, return_address()); }           \
  void __tsan_unaligned_read_write##size(void* p) { access(p, size, true, return_address()); } \
  void __tsan_volatile_read##size(void* p) { access(p, size, false, return_address()); }       \
  void __tsan_volatile_write##size(void* p) { access(p, size, true, return_address()); }
LAB_PLAIN_ACCESSES(1)
LAB_PLAIN_ACCESSES(2)
LAB_PLAIN_ACCESSES(4)
LAB_PLAIN_ACCESSES(8)
LAB_PLAIN_ACCESSES(16)
#undef LAB_PLAIN_ACCESSES

void __tsan_read_range(void* p, unsigned long size) { access(p, size, false, return_address()); }
void __tsan_write_range(void* p, unsigned long size) { access(p, size, true, return_address()); }
void __tsan_vptr_read(void** p) { access(p, sizeof(void*), false, return_address()); }
// A destructor sets the pointer to the value that it has: that is no write.
void __tsan_vptr_update(void** p, void* value) {
  if (*p != value) access(p, sizeof(void*), true, return_address());
}

// Clang calls these for copies. GCC calls memcpy() itself, or the functions for ranges.
void* __tsan_memcpy(void* to, const void* from, unsigned long size) {
  access(from, size, false, return_address());
  access(to, size, true, return_address());
  return std::memcpy(to, from, size);
}
void* __tsan_memmove(void* to, const void* from, unsigned long size) {
  access(from, size, false, return_address());
  access(to, size, true, return_address());
  return std::memmove(to, from, size);
}
void* __tsan_memset(void* to, int value, unsigned long size) {
  access(to, size, true, return_address());
  return std::memset(to, value, size);
}

#define LAB_FETCH(bits, T, name, expression)                                                    \
  T __tsan_atomic##bits##_fetch_##name(volatile T* p, T v, int order) {                         \
    return update(p, order, return_address(), [v](T x) { return static_cast<T>(expression); }); \
  }
#define LAB_ATOMICS(bits, T)                                                                    \
  T __tsan_atomic##bits##_load(const volatile T* p, int order) {                                \
    return load(p, order, return_address());                                                    \
  }                                                                                             \
  void __tsan_atomic##bits##_store(volatile T* p, T v, int order) {                             \
    store(p, v, order, return_address());                                                       \
  }                                                                                             \
  T __tsan_atomic##bits##_exchange(volatile T* p, T v, int order) {                             \
    return update(p, order, return_address(), [v](T) { return v; });                            \
  }                                                                                             \
  LAB_FETCH(bits, T, add, x + v)                                                                \
  LAB_FETCH(bits, T, sub, x - v)                                                                \
  LAB_FETCH(bits, T, and, x& v)                                                                 \
  LAB_FETCH(bits, T, or, x | v)                                                                 \
  LAB_FETCH(bits, T, xor, x ^ v)                                                                \
  LAB_FETCH(bits, T, nand, ~(x & v))                                                            \
  int __tsan_atomic##bits##_compare_exchange_strong(volatile T* p, T* expected, T v, int order, \
                                                    int failure) {                              \
    return compare_exchange(p, *expected, v, order, failure, false, return_address());          \
  }                                                                                             \
  int __tsan_atomic##bits##_compare_exchange_weak(volatile T* p, T* expected, T v, int order,   \
                                                  int failure) {                                \
    return compare_exchange(p, *expected, v, order, failure, true, return_address());           \
  }                                                                                             \
  T __tsan_atomic##bits##_compare_exchange_val(volatile T* p, T expected, T v, int order,       \
                                               int failure) {                                   \
    compare_exchange(p, expected, v, order, failure, false, return_address());                  \
    return expected;                                                                            \
  }
LAB_ATOMICS(8, std::uint8_t)
LAB_ATOMICS(16, std::uint16_t)
LAB_ATOMICS(32, std::uint32_t)
LAB_ATOMICS(64, std::uint64_t)
#undef LAB_ATOMICS
#undef LAB_FETCH

void __tsan_atomic_thread_fence(int order) {
  if (!is_under_test()) return __atomic_thread_fence(__ATOMIC_SEQ_CST);
  const Inside inside;
  Scheduler& scheduler = Scheduler::current();
  scheduler.races().fence(scheduler.self(), order_of(order));
}

void __tsan_atomic_signal_fence(int) {}

// A lock that is made of atomics, and whose code calls these functions of ThreadSanitizer:
// libstdc++'s std::atomic<std::shared_ptr> has one. Its atomics alone may order less than a lock
// does.

void __tsan_mutex_pre_lock(void*, unsigned) {}

void __tsan_mutex_post_lock(void* lock, unsigned flags, int) {
  constexpr unsigned kTryLockFailed = 1U << 5U;  // in <sanitizer/tsan_interface.h>
  if (!is_under_test() || (flags & kTryLockFailed) != 0) return;
  const Inside inside;
  Scheduler& scheduler = Scheduler::current();
  scheduler.races().acquire(scheduler.self(), scheduler.objects().annotated_locks[lock]);
}

int __tsan_mutex_pre_unlock(void* lock, unsigned) {
  if (!is_under_test()) return 0;
  const Inside inside;
  Scheduler& scheduler = Scheduler::current();
  scheduler.races().release(scheduler.self(), scheduler.objects().annotated_locks[lock]);
  return 0;
}

void __tsan_mutex_post_unlock(void*, unsigned) {}
void __tsan_mutex_pre_signal(void*, unsigned) {}
void __tsan_mutex_post_signal(void*, unsigned) {}

void __tsan_mutex_destroy(void* lock, unsigned) {
  if (!is_under_test()) return;
  const Inside inside;
  Scheduler::current().objects().annotated_locks.erase(lock);
}
}
