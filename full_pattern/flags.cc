#include "full_pattern/flags.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace worker_pool {
namespace {

std::string limits(const IntFlag& flag) {
  return "a whole number from " + std::to_string(flag.min) + " to " + std::to_string(flag.max);
}

std::string unknown(std::string_view name, std::span<const IntFlag> flags) {
  std::string error = std::string(name) + ": unknown flag; known are";
  for (const IntFlag& flag : flags) error += " --" + std::string(flag.name);
  return error + " --help";
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

// `text` without its dashes and its value: "workers" for "--workers=3".
std::string_view name_in(std::string_view text) {
  if (!text.starts_with("--")) return {};
  return text.substr(2, text.find('=') - 2);
}

}  // namespace

std::expected<CommandLine, std::string> parse_flags(std::span<const char* const> args,
                                                    std::span<IntFlag> flags) {
  CommandLine line;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string_view arg = args[i];
    if (arg == "--") {
      const auto rest = args.subspan(i + 1);
      line.arguments.insert(line.arguments.end(), rest.begin(), rest.end());
      break;
    }
    if (arg == "--help") {
      line.help = true;
      continue;
    }
    if (!arg.starts_with('-') || arg == "-") {
      line.arguments.emplace_back(arg);
      continue;
    }

    const auto flag = std::ranges::find(flags, name_in(arg), &IntFlag::name);
    if (flag == flags.end()) return std::unexpected(unknown(arg, flags));

    const bool has_value = arg.contains('=');
    if (!has_value && i + 1 == args.size()) {
      return std::unexpected(std::string(arg) + ": needs a value, " + limits(*flag));
    }
    const std::string_view text = has_value ? arg.substr(arg.find('=') + 1) : args[++i];
    const std::optional<std::int64_t> value = number(text);
    if (!value || *value < flag->min || *value > flag->max) {
      return std::unexpected("--" + std::string(flag->name) + "=" + std::string(text) +
                             ": must be " + limits(*flag));
    }
    flag->value = *value;
  }
  return line;
}

std::string usage(std::span<const IntFlag> flags) {
  std::string text;
  for (const IntFlag& flag : flags) {
    text += "  --" + std::string(flag.name) + "  " + std::string(flag.help) + "; " + limits(flag) +
            "; default " + std::to_string(flag.value) + "\n";
  }
  return text + "  --help  print this and exit\n";
}

}  // namespace worker_pool
