#include "full_pattern/reports/timeline.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "full_pattern/observers/recording.h"
#include "step1_job/context.h"

namespace worker_pool {
namespace {

constexpr std::size_t kNarrowest = 40;
constexpr std::string_view kWaiting = "waiting";
constexpr std::string_view kWall = " |";

// Maps times to columns.
class Scale {
 public:
  Scale(Clock::time_point begin, Clock::time_point end, std::size_t columns)
      : begin_(begin), length_(std::max(end - begin, Clock::duration(1))), columns_(columns) {}

  std::size_t columns() const { return columns_; }
  Clock::duration length() const { return length_; }

  std::size_t column(Clock::time_point when) const {
    const double part = static_cast<double>((when - begin_).count()) /
                        static_cast<double>(length_.count()) * static_cast<double>(columns_);
    return std::min(static_cast<std::size_t>(std::max(part, 0.0)), columns_ - 1);
  }

 private:
  Clock::time_point begin_;
  Clock::duration length_;
  std::size_t columns_;
};

std::string printable(std::string text) {
  std::ranges::replace_if(text, [](char c) { return c < ' ' || c > '~'; }, '?');
  return text;
}

// Returns "[id===]" of `width` columns, or "##" if that does not fit.
std::string bar(const JobRecord& job, std::size_t width) {
  if (width < std::string_view("[1]").size()) return std::string(width, '#');
  std::string text = "[" + printable(job.id);
  text.resize(width - 1, '=');
  if (job.finished && !job.result) text.back() = 'x';
  return text + (job.finished ? ']' : '>');
}

// The jobs of one worker, to be added in order of time.
class Lane {
 public:
  explicit Lane(const Scale& scale) : scale_(scale) {}

  void add(const JobRecord& job, Clock::time_point end) {
    const Clock::time_point last = job.finished.value_or(end);
    const std::size_t to = scale_.column(last) + 1;
    std::size_t from = scale_.column(job.started.value_or(last));
    if (from < text_.size()) from = text_.size();  // an earlier job has that column
    if (from >= to) {                              // an earlier job has all columns
      text_.back() = '#';
      return;
    }
    text_.resize(from, ' ');
    text_ += job.started ? bar(job, to - from) : "!";
  }

  const std::string& text() const { return text_; }

 private:
  const Scale& scale_;
  std::string text_;
};

char digit(std::int64_t count) {
  if (count <= 0) return ' ';
  return count > 9 ? '+' : static_cast<char>('0' + count);
}

// The largest number of waiting jobs within each column.
std::string waiting_row(const std::vector<Waiting>& waiting, const Scale& scale) {
  std::vector<std::int64_t> most(scale.columns());
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    const bool last = i + 1 == waiting.size();
    const std::size_t to =
        last ? scale.columns() - 1 : scale.column(waiting[i + 1].since - Clock::duration(1));
    for (std::size_t column = scale.column(waiting[i].since); column <= to; ++column) {
      most[column] = std::max(most[column], waiting[i].jobs);
    }
  }
  std::string row;
  for (const std::int64_t count : most) row += digit(count);
  row.resize(row.find_last_not_of(' ') + 1);
  return row;
}

std::string in_ms(Clock::duration duration) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration);
  return std::to_string(ms.count()) + " ms";
}

std::string axis(std::size_t indent, const Scale& scale) {
  const std::string begin = std::string(indent, ' ') + "0 ms";
  const std::string end = in_ms(scale.length());
  const std::size_t width = indent + scale.columns();
  return begin + std::string(width - begin.size() - end.size(), ' ') + end + "\n";
}

}  // namespace

std::string timeline(const Recording& recording, const ShutdownReport& report, int width) {
  const Clock::time_point end = end_of(recording, report);
  std::vector<JobRecord> jobs = recording.jobs;
  std::ranges::stable_sort(jobs, {}, [end](const JobRecord& job) {
    return job.started.value_or(job.finished.value_or(end));
  });

  std::size_t indent = kWaiting.size();
  for (const JobRecord& job : jobs) {
    indent = std::max(indent, ("Worker " + std::to_string(job.worker)).size());
  }
  const std::size_t line = std::max(kNarrowest, static_cast<std::size_t>(std::max(width, 0)));
  const Scale scale(recording.begin, end, line - indent - kWall.size());

  std::map<int, Lane> lanes;
  for (const JobRecord& job : jobs) {
    lanes.try_emplace(job.worker, scale).first->second.add(job, end);
  }
  const auto row = [indent](std::string name, const std::string& text) {
    name.resize(indent, ' ');
    return name.append(kWall) + text + "\n";
  };
  std::string drawing;
  for (const auto& [worker, lane] : lanes) {
    drawing += row("Worker " + std::to_string(worker), lane.text());
  }
  drawing += row(std::string(kWaiting), waiting_row(waiting_jobs(recording, report), scale));
  drawing += axis(indent + kWall.size(), scale);
  for (const Stage& stage : stages_of(report)) {
    drawing += std::string(stage.name) + " at " + in_ms(stage.began - recording.begin) + "\n";
  }
  if (recording.left_out > 0) {
    drawing += "Not recorded: " + std::to_string(recording.left_out) + " more jobs\n";
  }
  return drawing;
}

}  // namespace worker_pool
