// Command-line flags: whole numbers with limits, texts such as a file name, and switches.
//
//   std::array numbers = {IntFlag{"workers", "threads that handle jobs", 1, 1000, 3}};
//   std::array texts = {TextFlag{"trace", "write a trace to FILE"}};
//   std::array switches = {SwitchFlag{"timeline", "draw a timeline"}};
//   const FlagSet flags = {.numbers = numbers, .texts = texts, .switches = switches};
//   const auto line = parse_flags({argv + 1, argv + argc}, flags);
//   if (!line) return complain(line.error());     // "--workers=0: must be a whole number from 1 …"
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

// `--name=value` or `--name value`.
struct IntFlag {
  std::string_view name;  // without the dashes
  std::string_view help;
  std::int64_t min;
  std::int64_t max;
  std::int64_t value;  // the default, until parse_flags() finds the flag
};

// The same. An empty value is refused, so an empty default means that the flag was not given. What
// starts with a dash needs the equals sign: `--trace --workers=3` lacks a value.
struct TextFlag {
  std::string_view name;
  std::string_view help;  // with a word for the value, such as FILE
  std::string value{};
};

// `--name`.
struct SwitchFlag {
  std::string_view name;
  std::string_view help;
  bool on = false;
};

// All flags of a program, of which it owns the arrays. No name is there twice.
struct FlagSet {
  std::span<IntFlag> numbers{};
  std::span<TextFlag> texts{};
  std::span<SwitchFlag> switches{};
};

struct CommandLine {
  bool help = false;                     // --help was there
  std::vector<std::string> arguments{};  // what is no flag, in order, and all that follows `--`
};

// Puts the values into the flags; of a repeated flag the last one counts. The error is one line
// that names what was wrong and what is allowed.
std::expected<CommandLine, std::string> parse_flags(std::span<const char* const> args,
                                                    const FlagSet& flags);

// One line for each flag: name, help text, limits, default.
std::string usage(const FlagSet& flags);

}  // namespace worker_pool
