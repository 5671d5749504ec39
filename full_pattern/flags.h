// Command-line flags that are whole numbers with limits: `--name=value` or `--name value`.
//
//   std::array flags = {IntFlag{"workers", "threads that handle jobs", 1, 1000, 3}};
//   const auto line = parse_flags({argv + 1, argv + argc}, flags);
//   if (!line) return complain(line.error());     // "--workers=0: must be a whole number from 1 …"
//   if (line->help) return print(usage(flags));
//   start(flags[0].value);
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace worker_pool {

struct IntFlag {
  std::string_view name;  // without the dashes
  std::string_view help;
  std::int64_t min;
  std::int64_t max;
  std::int64_t value;  // the default, until parse_flags() finds the flag
};

struct CommandLine {
  bool help = false;                     // --help was there
  std::vector<std::string> arguments{};  // what is no flag, in order, and all that follows `--`
};

// Puts the values into `flags`; of a repeated flag the last one counts. The error is one line that
// names what was wrong and what is allowed.
std::expected<CommandLine, std::string> parse_flags(std::span<const char* const> args,
                                                    std::span<IntFlag> flags);

// One line for each flag: name, help text, limits, default.
std::string usage(std::span<const IntFlag> flags);

}  // namespace worker_pool
