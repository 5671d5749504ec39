#include "full_pattern/observers/error_log.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "full_pattern/observers/utf8.h"
#include "step1_job/job.h"
#include "step2_worker/forced_unwind.h"

namespace worker_pool {
namespace {

std::string escaped(char byte) {
  switch (byte) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    case '\\':
      return "\\\\";
    default:
      break;
  }
  const auto value = static_cast<unsigned char>(byte);
  constexpr std::string_view kDigits = "0123456789abcdef";
  return {'\\', 'x', kDigits[value / 16], kDigits[value % 16]};
}

std::string in_one_line(std::string_view text) {
  std::string line;
  while (!text.empty()) {
    const std::size_t length = text.starts_with('\\') ? 0 : printable_character(text);
    line += length > 0 ? std::string(text.substr(0, length)) : escaped(text.front());
    text.remove_prefix(std::max<std::size_t>(1, length));
  }
  return line;
}

}  // namespace

std::string shortened(std::string_view text, std::size_t bytes) {
  constexpr std::string_view kDots = "...";
  if (text.size() <= bytes) return std::string(text);
  if (bytes <= kDots.size()) return std::string(kDots.substr(0, bytes));
  std::size_t end = 0;
  while (true) {
    const std::size_t next = end + std::max<std::size_t>(1, first_character(text.substr(end)));
    if (next + kDots.size() > bytes) break;
    end = next;
  }
  return std::string(text.substr(0, end)).append(kDots);
}

std::string to_line(const ErrorLog::Entry& entry) {
  const auto& [job, worker, error] = entry;
  const std::string_view kind = to_string(error.kind);
  std::string line = "Worker " + std::to_string(worker) + ": job " + in_one_line(job);
  if (!error.message.starts_with(kind)) line.append(" ").append(kind);
  if (!error.message.empty()) line += ": " + in_one_line(error.message);
  return line;
}

ErrorLog::ErrorLog(Options options, Sink sink) : options_(options), sink_(std::move(sink)) {}

void ErrorLog::job_finished(int worker, const Job& job, const JobResult& result) {
  if (result) return;
  const JobError& error = result.error();
  const Entry entry{shortened(job.id, options_.text),
                    worker,
                    {error.kind, shortened(error.message, options_.text), error.ended_thread}};
  keep(entry);
  if (sink_) write(to_line(entry));
}

ErrorLog::Counts ErrorLog::counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

std::vector<ErrorLog::Entry> ErrorLog::last() const {
  const std::lock_guard lock(mutex_);
  return {last_.begin(), last_.end()};
}

// First does all that may run out of memory, so that an error is counted everywhere or nowhere.
void ErrorLog::keep(const Entry& entry) {
  std::map<JobError::Kind, std::uint64_t> kind;
  std::map<std::string, std::uint64_t> job;
  kind[entry.error.kind] = 0;
  job[entry.job] = 0;
  const std::lock_guard lock(mutex_);
  last_.push_back(entry);
  if (last_.size() > options_.last) last_.pop_front();

  const bool is_known = counts_.by_job.contains(entry.job);
  const bool has_place = options_.text > 0 && counts_.by_job.size() < options_.jobs;
  const bool for_itself = is_known || has_place;
  counts_.by_kind.merge(kind);  // an entry that exists is kept
  if (for_itself) counts_.by_job.merge(job);
  ++counts_.by_kind.find(entry.error.kind)->second;
  ++(for_itself ? counts_.by_job.find(entry.job)->second : counts_.other_jobs);
  ++counts_.all;
}

void ErrorLog::write(const std::string& line) {
  const std::lock_guard lock(sink_mutex_);
  try {
    sink_(line);
  } catch (...) {  // the sink has failed, so there is no place to report this
    rethrow_forced_unwind();
  }
}

}  // namespace worker_pool
