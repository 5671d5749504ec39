// checksum: prints what `cksum FILE...` prints, in the given order. A worker pool reads the files.
//
//   ./bazelw run //full_pattern:checksum -- README.md /etc/hosts
//
// Exit status: 0 if every file was read, 1 if some were not (each has a line on stderr), 2 if the
// command line was wrong and nothing was started, 3 if a worker that hung on a file was abandoned.
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <expected>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "full_pattern/console/flags.h"
#include "full_pattern/console/standard_streams.h"
#include "full_pattern/console/terminal.h"
#include "full_pattern/console/user_folder.h"
#include "full_pattern/observers/observe_with.h"
#include "full_pattern/programs/posix_cksum.h"
#include "full_pattern/programs/progress.h"
#include "full_pattern/worker_pool.h"
#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step2_worker/channel.h"
#include "step2_worker/observer.h"
#include "step4_shutdown/exit.h"
#include "step4_shutdown/shutdown.h"

namespace worker_pool {
namespace {

constexpr int kSomeFailed = 1;
constexpr int kBadCommandLine = 2;
constexpr int kAbandoned = 3;

struct Checksum {
  std::uint32_t crc = 0;
  std::uint64_t size = 0;  // in bytes
};
using Outcome = std::expected<Checksum, std::string>;  // or the reason for its absence

// The result of each file, by job id: jobs finish in any order, so a position means nothing.
// (WP-06) The handlers and the observer share its ownership. Thread-safe.
class Outcomes : public Observer {
 public:
  void set(const std::string& id, Outcome outcome) {
    const std::lock_guard lock(mutex_);
    by_id_.insert_or_assign(id, std::move(outcome));
  }

  void job_finished(int /*worker*/, const Job& job, const JobResult& result) override {
    if (!result) set(job.id, std::unexpected(result.error().message));
  }

  // A job without a reported result is still running: its worker hangs.
  Outcome get(const std::string& id) const {
    const std::lock_guard lock(mutex_);
    const auto found = by_id_.find(id);
    return found != by_id_.end() ? found->second : std::unexpected("still being read, abandoned");
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Outcome> by_id_;
};

std::vector<std::byte> to_payload(const std::string& path) {
  const auto bytes = std::as_bytes(std::span(path));
  return {bytes.begin(), bytes.end()};
}

std::string to_path(const std::vector<std::byte>& payload) {
  return {reinterpret_cast<const char*>(payload.data()), payload.size()};
}

std::unexpected<JobError> failed(int error_number) {
  return std::unexpected(
      JobError{JobError::Kind::kFailed, std::generic_category().message(error_number)});
}

// Reads the file in pieces and checks the context after each. So a file of any size needs little
// memory, and a deadline or a cancel takes effect after at most one piece.
std::expected<Checksum, JobError> read_checksum(const std::string& path, const Context& ctx) {
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rb"));
  if (!file) return failed(errno);

  PosixCksum cksum;
  std::vector<std::byte> piece(64 * 1024);
  while (!std::feof(file.get())) {
    if (const auto why = ctx.err()) return std::unexpected(ended(*why));
    const std::size_t count = std::fread(piece.data(), 1, piece.size(), file.get());
    if (std::ferror(file.get())) return failed(errno);
    cksum.update(std::span(piece).first(count));
  }
  return Checksum{cksum.value(), cksum.size()};
}

JobHandler checksum_handler(const std::shared_ptr<Outcomes>& outcomes) {
  return [outcomes](const Job& job, const Context& ctx) -> JobResult {
    const auto checksum = read_checksum(to_path(job.payload), ctx);
    if (!checksum) return std::unexpected(checksum.error());
    outcomes->set(job.id, *checksum);
    return {};
  };
}

struct Settings {
  int workers;
  std::chrono::milliseconds timeout;  // per file; 0 for none
  bool show_progress;
  std::vector<std::string> files;
};

// Returns null if no progress is to be shown.
std::shared_ptr<ProgressLine> progress_of(const Settings& settings) {
  if (!settings.show_progress) return nullptr;
  return std::make_shared<ProgressLine>(
      std::cerr,
      ProgressLine::Options{.total = settings.files.size(), .columns = terminal_width(stderr)});
}

// Reports a job that no worker has received, so that the observers see every job finish once.
void report_unreceived(Observer& observer, const Job& job, JobError error) {
  constexpr int kNoWorker = 0;
  observer.job_finished(kNoWorker, job, std::unexpected(std::move(error)));
}

JobError too_late_to_start() {
  return {JobError::Kind::kDeadlineExceeded, "deadline exceeded before it started"};
}

void submit(WorkerPool& pool, Job job, std::chrono::milliseconds timeout, Observer& observer) {
  if (timeout == std::chrono::milliseconds::zero()) {
    if (pool.submit(std::move(job)) == SendStatus::kSent) return;
    // Unreachable today, because only shutdown() closes this pool.
    report_unreceived(observer, job, {JobError::Kind::kCancelled, "the pool is closed"});
    return;
  }
  job.ctx = Context().with_timeout(timeout);
  if (pool.submit_for(std::move(job), timeout) == SendStatus::kSent) return;
  report_unreceived(observer, job, too_late_to_start());
}

// Prints the result of each file, in the given order. Returns true if all files were read.
bool print(const std::vector<std::string>& files, const Outcomes& outcomes) {
  bool all_well = true;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const Outcome outcome = outcomes.get(std::to_string(i));
    if (outcome) {
      std::cout << outcome->crc << " " << outcome->size << " " << files[i] << "\n";
    } else {
      const std::string name = files[i].empty() ? "''" : files[i];
      std::cerr << "checksum: " << name << ": " << outcome.error() << "\n";
      all_well = false;
    }
  }
  if (std::cout.flush()) return all_well;
  std::cerr << "checksum: cannot write to standard output\n";
  return false;
}

int run(const Settings& settings) {
  const auto outcomes = std::make_shared<Outcomes>();
  const auto progress = progress_of(settings);
  const auto observer = observe_with({outcomes, progress});
  WorkerPool pool({.workers = settings.workers}, checksum_handler(outcomes), observer);
  for (std::size_t i = 0; i < settings.files.size(); ++i) {
    submit(pool, {.id = std::to_string(i), .payload = to_payload(settings.files[i])},
           settings.timeout, *observer);
  }

  // Without a timeout, every file gets the time it needs. With one, every deadline passes during
  // the drain, early enough for a worker to finish its piece and notice. A worker that is still
  // running after the drain hangs in the operating system, for example on a pipe, so a cancel
  // cannot stop it either.
  const bool has_timeout = settings.timeout != std::chrono::milliseconds::zero();
  constexpr std::chrono::milliseconds kTimeToNotice(500);
  const Clock::duration drain = has_timeout ? settings.timeout + kTimeToNotice : kForever;
  const ShutdownReport report = pool.shutdown({.drain = drain, .cancel = Clock::duration::zero()});
  for (const Job& job : report.not_started) report_unreceived(*observer, job, too_late_to_start());
  if (progress) progress->erase();
  const bool all_well = print(settings.files, *outcomes);
  if (report.outcome == ShutdownOutcome::kAbandoned) exit_without_destructors(kAbandoned);
  return all_well ? EXIT_SUCCESS : kSomeFailed;
}

int main_with(std::span<const char* const> args) {
  std::array numbers = {
      IntFlag{"workers", "files to read at the same time", 1, 1'000, 3},
      IntFlag{"timeout_ms", "time for each file, including its wait; 0 for no limit", 0, 86'400'000,
              0},
  };
  std::array switches = {SwitchFlag{"quiet", "show no progress (it is shown on a terminal only)"}};
  const FlagSet flags = {.numbers = numbers, .switches = switches};
  auto line = parse_flags(args, flags);
  if (!line) {
    std::cerr << "checksum: " << line.error() << "\n";
    return kBadCommandLine;
  }
  if (line->help) {
    std::cout << "usage: checksum [flags] FILE...\nPrints the POSIX cksum line of each file.\n"
              << usage(flags);
    return flush_standard_output("checksum") ? EXIT_SUCCESS : kSomeFailed;
  }
  if (line->arguments.empty()) {
    std::cerr << "checksum: no file given; at least one is needed, see --help\n";
    return kBadCommandLine;
  }
  const auto& [workers, timeout_ms] = numbers;
  const auto& [quiet] = switches;
  return run({
      .workers = static_cast<int>(workers.value),
      .timeout = std::chrono::milliseconds(timeout_ms.value),
      .show_progress = !quiet.on && can_redraw(stderr),
      .files = std::move(line->arguments),
  });
}

}  // namespace
}  // namespace worker_pool

int main(int argc, char** argv) {
  try {
    worker_pool::prepare_standard_streams();
    worker_pool::go_where_the_user_is();
    return worker_pool::main_with({argv + 1, argv + argc});
  } catch (const std::exception& e) {  // for example, no thread could be started
    std::cerr << "checksum: " << e.what() << "\n";
    return worker_pool::kSomeFailed;
  }
}
