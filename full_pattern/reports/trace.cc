#include "full_pattern/reports/trace.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <ostream>
#include <set>
#include <string>
#include <string_view>

#include "full_pattern/observers/utf8.h"
#include "step1_job/context.h"
#include "step1_job/job.h"

namespace worker_pool {
namespace {

// Returns a JSON string literal, with its quotes.
std::string json_string(std::string_view text) {
  std::string json = "\"";
  while (!text.empty()) {
    const std::size_t length = first_character(text);
    const auto byte = static_cast<unsigned char>(text.front());
    if (length == 0) {
      json += "\xEF\xBF\xBD";  // U+FFFD
    } else if (byte < 0x20) {
      constexpr std::string_view kHex = "0123456789abcdef";
      json += "\\u00";
      json += kHex[byte >> 4];
      json += kHex[byte & 0xF];
    } else {
      if (byte == '"' || byte == '\\') json += '\\';
      json += text.substr(0, length);
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return json + "\"";
}

// In microseconds, with nanosecond precision. operator<< would depend on the locale of the stream.
std::string json_time(Clock::duration duration) {
  const std::chrono::duration<double, std::micro> microseconds = duration;
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), microseconds.count(),
                                 std::chars_format::fixed, 3);
  return {text.data(), end.ptr};
}

std::string outcome_of(const JobRecord& job) {
  if (!job.finished) return "still running";
  if (job.result) return "succeeded";
  return std::string(to_string(job.result.error().kind)) + ": " + job.result.error().message;
}

// Writes events, and the commas between them.
class Events {
 public:
  Events(std::ostream& out, Clock::time_point begin) : out_(out), begin_(begin) {}

  void process() { event("M", "process_name", 0, "\"args\":{\"name\":\"worker pool\"}"); }

  void lane(int worker) {
    const std::string name = json_string("Worker " + std::to_string(worker));
    event("M", "thread_name", worker, "\"args\":{\"name\":" + name + "}");
  }

  void bar(const JobRecord& job, Clock::time_point from, Clock::time_point until) {
    event("X", "job " + job.id, job.worker,
          time(from) + ",\"dur\":" + json_time(until - from) + args(job));
  }

  // A mark on the lane of its worker, because a bar would have no width.
  void never_started(const JobRecord& job, Clock::time_point when) {
    event("i", "job " + job.id, job.worker, time(when) + ",\"s\":\"t\"" + args(job));
  }

  void stage(const Stage& stage) { event("i", stage.name, 0, time(stage.began) + ",\"s\":\"g\""); }

  void waiting(const Waiting& waiting) {
    event("C", "waiting jobs", 0,
          time(waiting.since) + ",\"args\":{\"jobs\":" + std::to_string(waiting.jobs) + "}");
  }

 private:
  std::string time(Clock::time_point when) const { return "\"ts\":" + json_time(when - begin_); }

  static std::string args(const JobRecord& job) {
    std::string args = ",\"args\":{\"result\":" + json_string(outcome_of(job));
    const auto taken = job.started ? job.started : job.finished;
    if (job.submitted && taken) args += ",\"waited_us\":" + json_time(*taken - *job.submitted);
    return args + "}";
  }

  void event(std::string_view type, std::string_view name, int worker, std::string_view rest) {
    out_ << (first_ ? "\n" : ",\n") << "{\"ph\":\"" << type << "\",\"name\":" << json_string(name)
         << ",\"pid\":1,\"tid\":" << std::to_string(worker) << "," << rest << "}";
    first_ = false;
  }

  std::ostream& out_;
  const Clock::time_point begin_;
  bool first_ = true;
};

}  // namespace

void write_trace(std::ostream& out, const Recording& recording, const ShutdownReport& report) {
  out << "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"jobs left out\":\""
      << std::to_string(recording.left_out) << "\"},\"traceEvents\":[";
  Events events(out, recording.begin);
  events.process();
  std::set<int> workers;
  for (const JobRecord& job : recording.jobs) workers.insert(job.worker);
  for (const int worker : workers) events.lane(worker);

  const Clock::time_point end = end_of(recording, report);
  for (const JobRecord& job : recording.jobs) {
    if (job.started) {
      events.bar(job, *job.started, job.finished.value_or(end));
    } else {
      events.never_started(job, job.finished.value_or(end));
    }
  }
  for (const Waiting& waiting : waiting_jobs(recording, report)) events.waiting(waiting);
  for (const Stage& stage : stages_of(report)) events.stage(stage);
  out << "\n]}\n";
}

}  // namespace worker_pool
