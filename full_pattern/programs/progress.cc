#include "full_pattern/programs/progress.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <ostream>
#include <string>
#include <utility>

namespace worker_pool {
namespace {

using Seconds = std::chrono::duration<double>;

std::string with_one_decimal(double value) {
  std::array<char, 512> text;  // the largest double has 309 digits
  const auto end =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed, 1).ptr;
  return {text.data(), end};
}

std::string rounded_up(Seconds time) {
  constexpr double kLongest = 1000.0 * 3600;
  const auto seconds = static_cast<std::int64_t>(std::ceil(std::min(time.count(), kLongest)));
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3600) {
    return std::to_string(seconds / 60) + " min " + std::to_string(seconds % 60) + " s";
  }
  const std::int64_t minutes = (seconds + 59) / 60;
  return std::to_string(minutes / 60) + " h " + std::to_string(minutes % 60) + " min";
}

}  // namespace

std::string progress_text(std::size_t done, std::size_t total, Clock::duration elapsed) {
  done = std::min(done, total);
  std::string text =
      std::to_string(done) + " of " + std::to_string(total) + (total == 1 ? " file" : " files");
  if (done == 0 || elapsed <= Clock::duration::zero()) return text;

  const double seconds = Seconds(elapsed).count();
  const auto finished = static_cast<double>(done);
  text += ", " + with_one_decimal(finished / seconds) + "/s";
  if (done == total) return text;
  const auto to_do = static_cast<double>(total - done);
  return text + ", " + rounded_up(Seconds(seconds * to_do / finished)) + " left";
}

ProgressLine::ProgressLine(std::ostream& out, Options options,
                           std::function<Clock::time_point()> now)
    : now_(std::move(now)), options_(options), start_(now_()), out_(out), last_written_(start_) {
  show(start_);
}

void ProgressLine::job_finished(int /*worker*/, const Job& /*job*/, const JobResult& /*result*/) {
  const std::lock_guard lock(mutex_);
  ++done_;
  if (erased_) return;
  const Clock::time_point now = now_();
  if (done_ < options_.total && now - last_written_ < kInterval) return;
  show(now);
}

void ProgressLine::show(Clock::time_point now) {
  last_written_ = now;
  const std::string text = progress_text(done_, options_.total, now - start_);
  write(text.substr(0, static_cast<std::size_t>(std::max(options_.columns - 1, 0))));
}

void ProgressLine::make_room(const std::function<void()>& print) {
  const std::lock_guard lock(mutex_);
  if (!erased_) write("");
  print();
  if (!erased_) show(now_());
}

void ProgressLine::erase() {
  const std::lock_guard lock(mutex_);
  if (!erased_) write("");
  erased_ = true;
}

// Returns to the start of the line, writes the text, and erases the rest of a longer earlier line.
void ProgressLine::write(const std::string& text) { out_ << "\r" + text + "\x1b[K" << std::flush; }

}  // namespace worker_pool
