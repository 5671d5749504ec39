// For the jobs of a test: when and where they run, and what they can own so that the test sees what
// becomes of them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "testing/lab/lab.h"

#ifdef _MSC_VER
#include <intrin.h>
#endif

namespace worker_pool {

// Fails the schedule unless so much time has passed since its beginning.
inline void check_time(lab::steady_clock::duration wanted, const std::string& what) {
  lab::check(lab::steady_clock::now().time_since_epoch() == wanted, what);
}

// Returns an address that no other thread has at the same time.
inline const void* current_thread() {
  static thread_local const char here = 0;
  return &here;
}

// Where the caller is on its thread's stack, which grows down: in a call inside another one, the
// position is lower. Not the address of a variable, as AddressSanitizer keeps some elsewhere.
inline std::uintptr_t stack_position() {
#ifdef _MSC_VER
  return reinterpret_cast<std::uintptr_t>(_AddressOfReturnAddress());
#else
  return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
#endif
}

// Counts how often a job that owns it is copied.
class Attachment {
 public:
  explicit Attachment(int& copies) : copies_(copies) {}
  Attachment(const Attachment& other) : copies_(other.copies_) { ++copies_; }
  Attachment(Attachment&&) noexcept = default;

 private:
  int& copies_;
};

// Calls a function when it is destroyed.
class AtTheEnd {
 public:
  explicit AtTheEnd(std::function<void()> then) : then_(std::move(then)) {}
  AtTheEnd(const AtTheEnd&) = delete;
  AtTheEnd& operator=(const AtTheEnd&) = delete;
  ~AtTheEnd() { then_(); }

 private:
  const std::function<void()> then_;
};

// For a job to own: calls `then` when the job is destroyed. Copies of the job share it.
inline std::shared_ptr<AtTheEnd> at_the_end(std::function<void()> then) {
  return std::make_shared<AtTheEnd>(std::move(then));
}

// Calls a function whenever a copy of it is destroyed. A std::function that owns it keeps it on the
// heap, so to move such a job copies nothing.
class EachCopyAtTheEnd {
 public:
  explicit EachCopyAtTheEnd(std::function<void()> then) : then_(std::move(then)) {}
  EachCopyAtTheEnd(const EachCopyAtTheEnd&) = default;
  EachCopyAtTheEnd& operator=(const EachCopyAtTheEnd&) = delete;
  ~EachCopyAtTheEnd() { then_(); }

 private:
  std::function<void()> then_;
};

}  // namespace worker_pool
