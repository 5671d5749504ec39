// checksum: prints what `cksum FILE...` prints, in the given order. A worker pool reads the files.
//
//   ./bazelw run //full_pattern:checksum -- README.md /etc/hosts
//   tar c docs | bazel-bin/full_pattern/programs/checksum -
//
// Prints each line as soon as it and all lines before it are known. After the first SIGINT,
// SIGTERM or SIGHUP the program finishes the files that are open and reads no others. The second
// signal cancels the open ones, the third leaves at once (signals.h).
//
// Exit status: 0 if every file was read; 1 if some were not (stderr names them), or standard output
// could not be written; 2 if the command line was wrong and nothing was started; 3 if a worker that
// hung on a file was abandoned; 129, 130 or 143 if the third signal was SIGHUP, SIGINT or
// SIGTERM.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
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
#include <new>
#include <ostream>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "full_pattern/console/flags.h"
#include "full_pattern/console/quoted_name.h"
#include "full_pattern/console/standard_streams.h"
#include "full_pattern/console/terminal.h"
#include "full_pattern/console/user_folder.h"
#include "full_pattern/observers/observe_with.h"
#include "full_pattern/programs/posix_cksum.h"
#include "full_pattern/programs/progress.h"
#include "full_pattern/signals/signals.h"
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

constexpr std::string_view kStandardInput = "-";

struct Checksum {
  std::uint32_t crc = 0;
  std::uint64_t size = 0;  // in bytes
};
using Outcome = std::expected<Checksum, JobError>;  // or the reason for its absence

// The result of each file, by job id: jobs finish in any order, so a position means nothing.
// (WP-06) The handlers and the observer share its ownership. Thread-safe.
class Outcomes : public Observer {
 public:
  void set(const std::string& id, Outcome outcome) {
    {
      const std::lock_guard lock(mutex_);
      by_id_.insert_or_assign(id, std::move(outcome));
    }
    changed_.notify_all();
  }

  void job_finished(int /*worker*/, const Job& job, const JobResult& result) override {
    if (!result) set(job.id, std::unexpected(result.error()));
  }

  // Blocks until the job is done or there will be no more results. In the second case its worker
  // hangs, or had no memory to set the result.
  Outcome await(const std::string& id, const std::stop_token& no_more) const {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, no_more, [&] { return by_id_.contains(id); });
    const auto found = by_id_.find(id);
    if (found != by_id_.end()) return found->second;
    return std::unexpected(
        JobError{JobError::Kind::kFailed, "still being read, or out of memory: abandoned"});
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable_any changed_;
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

struct Close {
  void operator()(std::FILE* file) const {
    if (file != stdin) std::fclose(file);
  }
};

// Reads the file in pieces and checks the context after each. So a file of any size needs little
// memory, and a deadline or a cancel takes effect after at most one piece.
Outcome read_checksum(const std::string& path, const Context& ctx) {
  const std::unique_ptr<std::FILE, Close> file(
      path == kStandardInput ? stdin : std::fopen(path.c_str(), "rb"));
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

// The error of a file that was not read, or not to its end, because the program was stopped.
JobError stopped() { return {JobError::Kind::kShutDown, "not read"}; }
bool is_stopped(const JobError& error) { return error.kind == JobError::Kind::kShutDown; }

JobHandler checksum_handler(const std::shared_ptr<Outcomes>& outcomes,
                            const std::stop_token& stop) {
  return [outcomes, stop](const Job& job, const Context& ctx) -> JobResult {
    if (stop.stop_requested()) return std::unexpected(stopped());
    const Outcome checksum = read_checksum(to_path(job.payload), ctx);
    if (!checksum) return std::unexpected(checksum.error());
    outcomes->set(job.id, checksum);
    return {};
  };
}

struct Settings {
  int workers;
  std::chrono::milliseconds timeout;  // per file; 0 for none
  std::chrono::milliseconds cancel;   // how long canceled files may take to end
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
  SendStatus status{};
  if (timeout == std::chrono::milliseconds::zero()) {
    status = pool.submit(std::move(job));
  } else {
    job.ctx = Context().with_timeout(timeout);
    status = pool.submit_for(std::move(job), timeout);
  }
  if (status == SendStatus::kSent) return;
  // A signal has closed the pool, or the queue was full all the time.
  report_unreceived(observer, job, status == SendStatus::kClosed ? stopped() : too_late_to_start());
}

// If the progress is shown on the terminal of `out`, the line goes above it.
void print_line(ProgressLine* progress, std::ostream& out, const std::string& line) {
  const auto print = [&] { out << line + "\n" << std::flush; };
  // A reader that stops reading the results blocks this thread, but must not block the progress.
  const bool is_shared = progress != nullptr && (&out == &std::cerr || can_redraw(stdout));
  is_shared ? progress->make_room(print) : print();
}

struct Printed {
  bool all_well = true;                 // no error was printed
  std::vector<std::string> not_read{};  // the names, because the program was stopped
};

// Prints the result of each file, in the given order, as soon as it is known. If the results cannot
// be written, requests a stop, because reading more files would be useless.
Printed print(const std::vector<std::string>& files, const Outcomes& outcomes,
              ProgressLine* progress, const std::stop_token& no_more, std::stop_source stop) {
  Printed printed;
  const auto error = [&](const std::string& text) {
    printed.all_well = false;
    print_line(progress, std::cerr, "checksum: " + text);
  };
  for (std::size_t i = 0; i < files.size(); ++i) {
    const Outcome outcome = outcomes.await(std::to_string(i), no_more);
    if (!outcome && is_stopped(outcome.error())) {
      printed.not_read.push_back(quoted_name(files[i]));
    } else if (!outcome) {
      error(quoted_name(files[i]) + ": " + outcome.error().message);
    } else if (std::cout) {
      print_line(
          progress, std::cout,
          std::to_string(outcome->crc) + " " + std::to_string(outcome->size) + " " + files[i]);
      if (std::cout) continue;
      stop.request_stop();
      error("cannot write to standard output");
    }
  }
  return printed;
}

// Returns nothing if `names` is empty, else one line, whatever their number.
std::string not_read_line(std::span<const std::string> names) {
  constexpr std::size_t kShown = 10;
  if (names.empty()) return "";
  std::string line = "checksum: " + std::to_string(names.size()) +
                     (names.size() == 1 ? " file was not read:" : " files were not read:");
  for (const std::string& name : names.first(std::min(names.size(), kShown))) line += " " + name;
  return line + (names.size() > kShown ? " ...\n" : "\n");
}

// Runs on a thread of its own, so it may print and block (signals.h).
void announce(ProgressLine* progress, int signal, int count) {
  const std::string name(name_of_signal(signal));
  const std::string what = count == 1 ? "finishing the open files; another signal cancels them"
                                      : "canceled; another signal leaves at once";
  const auto print = [&] {
    std::fputs(("checksum: " + name + ": " + what + "\n").c_str(), stderr);
  };
  progress != nullptr ? progress->make_room(print) : print();
}

// Without a timeout, every file gets the time it needs. With one, every deadline passes during the
// drain, early enough for a worker to finish its piece and notice. A worker that is still running
// some time after a cancel hangs in the operating system, for example on a pipe.
ShutdownLimits limits(const Settings& settings) {
  constexpr std::chrono::milliseconds kTimeToNotice(500);
  const bool has_timeout = settings.timeout != std::chrono::milliseconds::zero();
  return {.drain = has_timeout ? settings.timeout + kTimeToNotice : kForever,
          .cancel = settings.cancel};
}

int run(const Settings& settings) {
  std::cerr.tie(nullptr);  // or the progress would flush std::cout and wait for its reader
  const auto progress = progress_of(settings);
  const ShutdownSignals signals(
      [progress](int signal, int count) { announce(progress.get(), signal, count); });
  std::stop_source stop;
  const auto outcomes = std::make_shared<Outcomes>();
  const auto observer = observe_with({outcomes, progress});
  WorkerPool pool({.workers = settings.workers}, checksum_handler(outcomes, stop.get_token()),
                  observer);
  const std::stop_callback close(signals.first(), [&] {
    stop.request_stop();
    pool.close();
  });
  Printed printed;
  // A thread of its own, so that no worker and no deadline waits for a reader of the output.
  std::jthread printer([&](const std::stop_token& no_more) {
    try {
      printed = print(settings.files, *outcomes, progress.get(), no_more, stop);
    } catch (const std::bad_alloc&) {  // it would end the program (WP-04)
      std::fputs("checksum: out of memory\n", stderr);
      printed.all_well = false;
      stop.request_stop();
    }
  });
  for (std::size_t i = 0; i < settings.files.size(); ++i) {
    submit(pool, {.id = std::to_string(i), .payload = to_payload(settings.files[i])},
           settings.timeout, *observer);
  }

  const ShutdownReport report = pool.shutdown(limits(settings), signals.second());
  for (const Job& job : report.not_started) {
    report_unreceived(*observer, job, stop.stop_requested() ? stopped() : too_late_to_start());
  }
  printer.request_stop();
  printer.join();
  if (progress) progress->erase();
  std::cerr << not_read_line(printed.not_read);
  if (report.outcome == ShutdownOutcome::kAbandoned) exit_without_destructors(kAbandoned);
  return printed.all_well && printed.not_read.empty() ? EXIT_SUCCESS : kSomeFailed;
}

int main_with(std::span<const char* const> args) {
  std::array numbers = {
      IntFlag{"workers", "files to read at the same time", 1, 1'000, 3},
      IntFlag{"timeout_ms", "time for each file, including its wait; 0 for no limit", 0, 86'400'000,
              0},
      IntFlag{"cancel_ms", "how long to wait for canceled files before leaving without them", 0,
              86'400'000, 500},
  };
  std::array switches = {SwitchFlag{"quiet", "show no progress (it is shown on a terminal only)"}};
  const FlagSet flags = {.numbers = numbers, .switches = switches};
  auto line = parse_flags(args, flags);
  if (!line) {
    std::cerr << "checksum: " << line.error() << "\n";
    return kBadCommandLine;
  }
  if (line->help) {
    std::cout << "usage: checksum [flags] FILE...\n"
              << "Prints the POSIX cksum line of each file; - is standard input.\n"
              << usage(flags);
    return flush_standard_output("checksum") ? EXIT_SUCCESS : kSomeFailed;
  }
  if (line->arguments.empty()) {
    std::cerr << "checksum: no file given; at least one is needed, see --help\n";
    return kBadCommandLine;
  }
  if (std::ranges::count(line->arguments, kStandardInput) > 1) {
    std::cerr << "checksum: -: standard input can be read only once\n";
    return kBadCommandLine;
  }
  const auto& [workers, timeout_ms, cancel_ms] = numbers;
  const auto& [quiet] = switches;
  return run({
      .workers = static_cast<int>(workers.value),
      .timeout = std::chrono::milliseconds(timeout_ms.value),
      .cancel = std::chrono::milliseconds(cancel_ms.value),
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
