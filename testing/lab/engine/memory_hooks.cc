// The functions that allocate memory. Code under test gets memory of the schedule: at the same
// addresses in each run, as long as each thread does the same, and at no address twice, so that
// using memory after freeing it is found out, and is not taken for a race with its next owner.
//
// malloc() too, because the C++ runtime allocates exceptions with it.
#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "testing/lab/engine/hooks.h"
#include "testing/lab/engine/inside.h"
#include "testing/lab/engine/places.h"
#include "testing/lab/engine/real.h"
#include "testing/lab/engine/scheduler.h"

// The C library's own functions, which those below hide.
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* block);
}

namespace worker_pool::lab {
namespace {

// In front of each block.
struct alignas(16) Header {
  std::size_t size;
  bool is_free;
};

// Address space, not memory: pages that are not used cost nothing.
constexpr std::size_t kHeap = std::size_t{64} << 20;  // of one thread
constexpr std::size_t kAllHeaps = kMaxThreads * kHeap;

// The memory of the current schedule. Not a class with a destructor: free() may be called when the
// program exits.
struct Heaps {
  std::uintptr_t base = 0;
  std::uintptr_t first_base = 0;  // a failed schedule keeps its memory, and the next one gets other
  std::uintptr_t next[kMaxThreads] = {};
  std::uintptr_t floor[kMaxThreads] = {};  // below it are blocks of earlier schedules still in use
  std::size_t blocks_in_use = 0;           // of this schedule
};
constinit Heaps heaps;

void reserve() {
  const std::uintptr_t wish = heaps.base == 0 ? 0x2000'0000'0000 : heaps.base + kAllHeaps;
  void* const got = mmap(reinterpret_cast<void*>(wish), kAllHeaps, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);
  if (got == MAP_FAILED) {
    std::perror("lab: no 2 GiB of addresses for the scenario's memory (ulimit -v?): mmap");
    std::_Exit(EXIT_FAILURE);
  }
  heaps.base = reinterpret_cast<std::uintptr_t>(got);
  if (heaps.first_base == 0) heaps.first_base = heaps.base;
  for (std::size_t i = 0; i < kMaxThreads; ++i) {
    heaps.next[i] = heaps.floor[i] = heaps.base + i * kHeap;
  }
  heaps.blocks_in_use = 0;
}

bool is_of_schedule(const void* block) {
  const auto address = reinterpret_cast<std::uintptr_t>(block);
  return heaps.base != 0 && address >= heaps.first_base && address < heaps.base + kAllHeaps;
}

bool is_of_current_schedule(const void* block) {
  const auto address = reinterpret_cast<std::uintptr_t>(block);
  if (address < heaps.base || address >= heaps.base + kAllHeaps) return false;
  return address >= heaps.floor[(address - heaps.base) / kHeap];
}

Header& header_of(void* block) { return *(static_cast<Header*>(block) - 1); }

void* allocate(std::size_t size, std::size_t alignment) {
  const auto thread = static_cast<std::size_t>(t_number);
  const std::uintptr_t address =
      (heaps.next[thread] + sizeof(Header) + alignment - 1) & ~(alignment - 1);
  const std::uintptr_t end = address + std::max<std::size_t>(size, 1);
  if (size > kHeap) return nullptr;
  if (end > heaps.base + (thread + 1) * kHeap) {
    const Inside inside;
    Scheduler& scheduler = Scheduler::current();
    scheduler.fail(scheduler.own_name() +
                   " has allocated 64 MiB in this schedule, the most that a" + " thread may");
  }
  heaps.next[thread] = end;
  ++heaps.blocks_in_use;
  void* const block = reinterpret_cast<void*>(address);
  header_of(block) = {.size = size, .is_free = false};
  // What is not initialized must not happen to be zero.
  return std::memset(block, 0xfe, size);
}

void* allocate_anywhere(std::size_t size) {
  return is_under_test() ? allocate(size, alignof(std::max_align_t)) : __libc_malloc(size);
}

void* allocate_aligned(std::size_t alignment, std::size_t size) {
  if (!is_under_test()) return __libc_memalign(alignment, size);
  return allocate(size, std::max(alignment, alignof(std::max_align_t)));
}

void* allocate_or_throw(std::size_t size) {
  if (void* const block = allocate_anywhere(size)) return block;
  throw std::bad_alloc();
}

void release(void* block, std::uintptr_t from) {
  if (block == nullptr) return;
  if (!is_of_schedule(block)) return __libc_free(block);
  Header& header = header_of(block);
  if (!header.is_free && is_of_current_schedule(block)) --heaps.blocks_in_use;
  if (is_under_test()) {
    const Inside inside;
    Scheduler& scheduler = Scheduler::current();
    if (header.is_free) scheduler.fail(scheduler.own_name() + " frees memory a second time");
    scheduler.free(block, header.size, {.address = from, .stack = t_stack});
  }
  header.is_free = true;
  // A copy made by memcpy(), which the lab does not see, must not look right.
  std::memset(block, 0xfd, header.size);
}

}  // namespace

void begin_schedule_memory() {
  if (heaps.base == 0) return reserve();
  bool is_half_full = false;
  for (std::size_t i = 0; i < kMaxThreads; ++i) {
    // What is still in use belongs, for example, to a variable with static storage.
    if (heaps.blocks_in_use > 0) heaps.floor[i] = (heaps.next[i] + 4095) & ~std::uintptr_t{4095};
    heaps.next[i] = heaps.floor[i];
    is_half_full = is_half_full || heaps.floor[i] > heaps.base + i * kHeap + kHeap / 2;
  }
  heaps.blocks_in_use = 0;
  if (is_half_full) reserve();
}

std::size_t blocks_in_use() { return heaps.blocks_in_use; }

void abandon_schedule_memory() { reserve(); }

}  // namespace worker_pool::lab

using namespace worker_pool::lab;  // the functions below have no namespace

extern "C" {

void* malloc(std::size_t size) { return allocate_anywhere(size); }

void* calloc(std::size_t count, std::size_t size) {
  if (!is_under_test()) return __libc_calloc(count, size);
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(count, size, &bytes)) return nullptr;
  void* const block = allocate(bytes, alignof(std::max_align_t));
  return block == nullptr ? nullptr : std::memset(block, 0, bytes);
}

void free(void* block) { release(block, return_address()); }

void* realloc(void* block, std::size_t size) {
  if (block == nullptr) return malloc(size);
  if (!is_of_schedule(block)) return __libc_realloc(block, size);
  void* const moved = malloc(size);
  if (moved == nullptr) return nullptr;
  std::memcpy(moved, block, std::min(size, header_of(block).size));
  free(block);
  return moved;
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return allocate_aligned(alignment, size);
}

void* memalign(std::size_t alignment, std::size_t size) {
  return allocate_aligned(alignment, size);
}

int posix_memalign(void** block, std::size_t alignment, std::size_t size) {
  *block = allocate_aligned(alignment, size);
  return *block == nullptr ? ENOMEM : 0;
}

// Inside the lab, so that this is no access. The references to an exception object are counted in
// the C++ library, where the lab does not see the order that the count gives: the last thread that
// lets go of the object would seem to race with the others. The second function is for an exception
// that std::rethrow_exception() has thrown again.
void __cxa_free_exception(void* thrown) noexcept {
  const Inside inside;
  real<&__cxa_free_exception>("__cxa_free_exception")(thrown);
}

void __cxa_free_dependent_exception(void* thrown) noexcept {
  const Inside inside;
  real<&__cxa_free_dependent_exception>("__cxa_free_dependent_exception")(thrown);
}
}

// In place of those of the C++ library, so that return_address() is in the code under test.
void* operator new(std::size_t size) { return allocate_or_throw(size); }
void* operator new[](std::size_t size) { return allocate_or_throw(size); }
void operator delete(void* block) noexcept { release(block, return_address()); }
void operator delete[](void* block) noexcept { release(block, return_address()); }
void operator delete(void* block, std::size_t) noexcept { release(block, return_address()); }
void operator delete[](void* block, std::size_t) noexcept { release(block, return_address()); }
