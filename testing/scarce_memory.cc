#include "testing/scarce_memory.h"

#include <cstddef>
#include <cstdlib>
#include <functional>
#include <new>
#include <utility>

namespace {

thread_local int t_allocations_left = worker_pool::kAllAllocations;
thread_local const std::function<void()>* t_hook = nullptr;

void* allocate(std::size_t size) noexcept {
  if (const auto hook = std::exchange(t_hook, nullptr)) {
    (*hook)();
    t_hook = hook;
  }
  if (t_allocations_left == worker_pool::kAllAllocations) return std::malloc(size);
  if (t_allocations_left == 0) return nullptr;
  --t_allocations_left;
  return std::malloc(size);
}

}  // namespace

namespace worker_pool {

void allow_allocations(int count) { t_allocations_left = count; }

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
