// What a job can own so that a test sees what becomes of the job.
#pragma once

#include <functional>
#include <memory>
#include <utility>

namespace worker_pool {

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
