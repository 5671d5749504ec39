#include "testing/lab/engine/races.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace worker_pool::lab {
namespace {

bool acquires(std::memory_order order) {
  return order != std::memory_order_relaxed && order != std::memory_order_release;
}

bool releases(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

bool is_race(const Access& a, const Access& b) {
  return (a.is_write || b.is_write) && !(a.is_atomic && b.is_atomic);
}

// Whether everything that races with `a` also races with `b`, if both happen at the same time.
bool is_covered(const Access& a, const Access& b) {
  return (a.bytes & ~b.bytes) == 0 && (b.is_write || !a.is_write) && (a.is_atomic || !b.is_atomic);
}

}  // namespace

std::array<VectorClock, kMaxThreads> Races::first_clocks() {
  std::array<VectorClock, kMaxThreads> clocks{};
  for (int i = 0; i < kMaxThreads; ++i) clocks[static_cast<std::size_t>(i)][i] = 1;
  return clocks;
}

void Races::start(int parent, int child) {
  clock(child).join(clock(parent));
  tick(parent);
}

void Races::release(int thread, VectorClock& into) {
  into.join(clock(thread));
  tick(thread);
}

void Races::load(int thread, const VectorClock& value, std::memory_order order) {
  VectorClock& reader =
      acquires(order) ? clock(thread) : seen_by_relaxed_loads_[static_cast<std::size_t>(thread)];
  reader.join(value);
}

// A store replaces what acquire loads of the earlier value would have seen.
void Races::store(int thread, VectorClock& value, std::memory_order order) {
  value = releases(order) ? clock(thread) : released_by_fence_[static_cast<std::size_t>(thread)];
  tick(thread);
}

// A read-modify-write adds to it: it continues the release sequence.
void Races::update(int thread, VectorClock& value, std::memory_order order) {
  load(thread, value, order);
  value.join(releases(order) ? clock(thread)
                             : released_by_fence_[static_cast<std::size_t>(thread)]);
  tick(thread);
}

void Races::fence(int thread, std::memory_order order) {
  const auto index = static_cast<std::size_t>(thread);
  if (acquires(order)) clock(thread).join(seen_by_relaxed_loads_[index]);
  if (releases(order)) released_by_fence_[index] = clock(thread);
  if (order == std::memory_order_seq_cst) {
    seq_cst_fences_.join(clock(thread));
    seen_by_seq_cst_fence_[index] = seq_cst_fences_;
  }
  tick(thread);
}

std::optional<Races::Race> Races::access(std::uintptr_t address, std::size_t size, Access access) {
  access.time = time(access.thread);
  const std::uintptr_t end = address + size;
  while (address < end) {
    const std::uintptr_t cell = address & ~std::uintptr_t{7};
    const std::uintptr_t cell_end = std::min(cell + 8, end);
    access.bytes =
        static_cast<std::uint8_t>(((1U << (cell_end - address)) - 1U) << (address - cell));
    if (const auto race = access_cell(cells_[cell], access)) return race;
    address = cell_end;
  }
  return std::nullopt;
}

std::optional<Races::Race> Races::access_cell(Cell& cell, const Access& access) {
  for (const Access& earlier : cell) {
    if ((earlier.bytes & access.bytes) == 0) continue;
    const bool is_ordered = knows(access.thread, earlier.thread, earlier.time);
    if (earlier.is_free || (is_race(earlier, access) && !is_ordered)) {
      return Race{.earlier = earlier, .later = access};
    }
  }
  if (access.is_forgotten) return std::nullopt;
  // An earlier access may be forgotten if this one is ordered after it and covers it: a thread that
  // does not know the earlier one does not know this one either, and races with this one too.
  std::erase_if(cell, [&](const Access& earlier) {
    return is_covered(earlier, access) && knows(access.thread, earlier.thread, earlier.time);
  });
  cell.push_back(access);
  return std::nullopt;
}

}  // namespace worker_pool::lab
