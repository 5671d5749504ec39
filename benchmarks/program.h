// The command line of every program of a comparison, and the line that it prints.
//
//   PROGRAM CONTESTANT SHAPE JOB WORKERS PRODUCERS STEPS COUNT
//   PROGRAM calibrate
//
//   ours fast throughput int 3 1 0 2000000
//   ns=31.2 cpu_ns=61.9 sleeps=0.001 jobs=2000000 numbers=1999999000000 results=2883584
//
// The first three numbers are per job (for lifecycle, per life). `calibrate` prints how many steps
// of work take one microsecond.
#pragma once

#include <charconv>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <type_traits>

#include "measure.h"
#include "step1_job/job.h"
#include "workload.h"

namespace worker_pool::benchmarks {

struct Entry {
  std::string_view name;
  Usage (*run)(std::string_view job, const Row& row);
};

template <template <class> class Contestant>
constexpr Entry entry(std::string_view name) {
  return {name, [](std::string_view job, const Row& row) {
            const auto run = [&]<class T>(std::type_identity<T>) {
              return measure<T>([&](bool answers) { return Contestant<T>(row.workers, answers); },
                                row);
            };
            if (job == "int") return run(std::type_identity<int>());
            if (job == "struct") return run(std::type_identity<Block>());
            return run(std::type_identity<Job>());
          }};
}

// For a contestant that takes only the type Job.
template <class Contestant>
constexpr Entry entry_for_jobs(std::string_view name) {
  return {name, [](std::string_view job, const Row& row) {
            if (job == "int" || job == "struct") {
              std::fprintf(stderr, "takes jobs of the type Job only\n");
              std::exit(2);
            }
            return measure<Job>([&](bool answers) { return Contestant(row.workers, answers); },
                                row);
          }};
}

inline std::optional<Shape> shape_named(std::string_view name) {
  if (name == "throughput") return Shape::kThroughput;
  if (name == "ping-pong") return Shape::kPingPong;
  if (name == "lifecycle") return Shape::kLifecycle;
  return std::nullopt;
}

// Returns false unless the whole text is a number of at least `least`.
template <class Number>
bool read_number(std::string_view text, Number least, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && number >= least;
}

inline int usage_error(const char* what, std::string_view text) {
  std::fprintf(stderr, "%s: '%.*s'. See benchmarks/program.h\n", what,
               static_cast<int>(text.size()), text.data());
  return 2;
}

inline int run_program(int argc, char** argv, std::initializer_list<Entry> entries) {
  const std::span<char*> args(argv, static_cast<std::size_t>(argc));
  if (argc == 2 && std::string_view(args[1]) == "calibrate") {
    std::printf("%.2f\n", steps_per_us());
    return 0;
  }
  if (argc != 8) return usage_error("takes seven arguments", argc > 1 ? args[1] : "");

  const std::string_view name = args[1];
  const std::string_view job = args[3];
  const std::optional<Shape> shape = shape_named(args[2]);
  if (!shape) return usage_error("not a shape", args[2]);
  Row row{.shape = *shape};
  if (job == "bare") row.making = Making::kBare;
  if (job == "reused") row.making = Making::kReused;
  if (job != "int" && job != "struct" && job != "full" && row.making == Making::kNew) {
    return usage_error("not a job", job);
  }
  if (!read_number(args[4], 1, row.workers)) return usage_error("not a number", args[4]);
  if (!read_number(args[5], 1, row.producers)) return usage_error("not a number", args[5]);
  if (!read_number<std::uint64_t>(args[6], 0, row.steps)) {
    return usage_error("not a number", args[6]);
  }
  if (!read_number<std::uint64_t>(args[7], 1, row.count)) {
    return usage_error("not a number", args[7]);
  }

  for (const Entry& entry : entries) {
    if (entry.name != name) continue;
    const Usage each = entry.run(job, row);
    const Tally tally = handled();
    std::printf("ns=%.3f cpu_ns=%.3f sleeps=%.6f jobs=%" PRIu64 " numbers=%" PRIu64
                " results=%" PRIu64 "\n",
                each.wall_ns, each.cpu_ns, each.sleeps, tally.jobs, tally.numbers, tally.results);
    if (all_handled(row)) return 0;
    std::fprintf(stderr, "jobs were lost, or handled twice\n");
    return 1;
  }
  return usage_error("not a contestant of this program", name);
}

}  // namespace worker_pool::benchmarks
