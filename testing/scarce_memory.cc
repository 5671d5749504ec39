#include "testing/scarce_memory.h"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <new>
#include <utility>

namespace {

constinit std::atomic<int> g_allocations_of_a_thread = worker_pool::kAllAllocations;
constinit std::atomic<int> g_failed_allocations = 0;
thread_local int t_allocations_left = g_allocations_of_a_thread;
thread_local const std::function<void()>* t_hook = nullptr;

void* allocate(std::size_t size) noexcept {
  if (const auto hook = std::exchange(t_hook, nullptr)) {
    (*hook)();
    t_hook = hook;
  }
  if (t_allocations_left == worker_pool::kAllAllocations) return std::malloc(size);
  if (t_allocations_left == 0) {
    ++g_failed_allocations;
    return nullptr;
  }
  --t_allocations_left;
  return std::malloc(size);
}

}  // namespace

namespace worker_pool {

void allow_allocations(int count) { t_allocations_left = count; }

void allow_allocations_on_new_threads(int count) { g_allocations_of_a_thread = count; }

int failed_allocations() { return g_failed_allocations; }

void before_each_allocation(const std::function<void()>* hook) { t_hook = hook; }

}  // namespace worker_pool

// Replaced together: AddressSanitizer reports memory from its own new that free() releases.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return allocate(size); }
void* operator new(std::size_t size) {
  void* const memory = allocate(size);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
