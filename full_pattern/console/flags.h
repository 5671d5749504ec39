// parse_flags(): command-line flags that are whole numbers with limits, texts, or switches.
//
//   std::array numbers = {IntFlag{"workers", "threads that handle jobs", 1, 1000, 3}};
//   std::array texts = {TextFlag{"trace", "write a trace to FILE"}};
//   std::array switches = {SwitchFlag{"timeline", "draw a timeline"}};
//   const FlagSet flags = {.numbers = numbers, .texts = texts, .switches = switches};
//   const auto line = parse_flags({argv + 1, argv + argc}, flags);
//   if (!line) return fail(line.error());         // "--workers=0: must be a whole number from 1 …"
//   if (line->help) return print(usage(flags));
//   start(numbers[0].value, texts[0].value, switches[0].on);
#pragma once

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace worker_pool {

// A flag `--name=value` or `--name value`.
struct IntFlag {
  std::string_view name;  // without the dashes
  std::string_view help;
  std::int64_t min;
  std::int64_t max;
  std::int64_t value;  // the default, until parse_flags() finds the flag
};

// A flag `--name=value` or `--name value` whose value must not be empty, so an empty default means
// that the flag was not given. A value that starts with a dash needs the equals sign: in
// `--trace --workers=3` the value is missing.
struct TextFlag {
  std::string_view name;
  std::string_view help;  // names the value, for example FILE
  std::string value{};
};

// A flag `--name` without a value.
struct SwitchFlag {
  std::string_view name;
  std::string_view help;
  bool on = false;
};

// All flags of a program, which owns the arrays. Names must be unique.
struct FlagSet {
  std::span<IntFlag> numbers{};
  std::span<TextFlag> texts{};
  std::span<SwitchFlag> switches{};
};

struct CommandLine {
  bool help = false;                     // --help was given
  std::vector<std::string> arguments{};  // not flags, in order, and everything after `--`
};

// Stores the values in the flags. If a flag is repeated, the last one counts. The error is one line
// that names the wrong argument and what is allowed.
std::expected<CommandLine, std::string> parse_flags(std::span<const char* const> args,
                                                    const FlagSet& flags);

// Returns one line for each flag: name, help text, limits and default.
std::string usage(const FlagSet& flags);

}  // namespace worker_pool
