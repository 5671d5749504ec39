#include "full_pattern/console/flags.h"

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

#include "full_pattern/console/quoted_name.h"

namespace worker_pool {
namespace {

using Done = std::expected<void, std::string>;

std::string dashed(std::string_view name) { return "--" + std::string(name); }

std::string limits(const IntFlag& flag) {
  return "a whole number from " + std::to_string(flag.min) + " to " + std::to_string(flag.max);
}

std::string need(const IntFlag& flag) { return "needs a value, " + limits(flag); }

std::string need(const TextFlag& flag) {
  return "needs a value that is not empty: " + std::string(flag.help);
}

std::string unknown(std::string_view arg, const FlagSet& flags) {
  std::string error = quoted_name(arg) + ": unknown flag; the flags are";
  for (const IntFlag& flag : flags.numbers) error += " " + dashed(flag.name);
  for (const TextFlag& flag : flags.texts) error += " " + dashed(flag.name);
  for (const SwitchFlag& flag : flags.switches) error += " " + dashed(flag.name);
  return error + " --help";
}

std::optional<std::int64_t> number(std::string_view text) {
  std::int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

Done set(IntFlag& flag, std::string_view text) {
  const std::optional<std::int64_t> value = number(text);
  if (!value || *value < flag.min || *value > flag.max) {
    return std::unexpected(quoted_name(dashed(flag.name) + "=" + std::string(text)) + ": must be " +
                           limits(flag));
  }
  flag.value = *value;
  return {};
}

Done set(TextFlag& flag, std::string_view text) {
  if (text.empty()) return std::unexpected(dashed(flag.name) + "=: " + need(flag));
  flag.value = text;
  return {};
}

bool is_flag(std::string_view arg) { return arg.starts_with('-') && arg != "-"; }

bool may_follow(const IntFlag&, std::string_view /*arg*/) { return true; }  // -2 is a number
bool may_follow(const TextFlag&, std::string_view arg) { return !is_flag(arg); }

// Sets `flag`, which is args[i], to the value in args[i] or to the next argument. Moves `i` to the
// last argument it has read.
template <class Flag>
Done set_from(std::span<const char* const> args, std::size_t& i, Flag& flag) {
  const std::string_view arg = args[i];
  if (arg.contains('=')) return set(flag, arg.substr(arg.find('=') + 1));
  if (i + 1 == args.size() || !may_follow(flag, args[i + 1])) {
    return std::unexpected(std::string(arg) + ": " + need(flag));
  }
  return set(flag, args[++i]);
}

Done set_from(std::span<const char* const> args, std::size_t& i, SwitchFlag& flag) {
  const std::string_view arg = args[i];
  if (arg.contains('=')) {
    return std::unexpected(quoted_name(arg) + ": takes no value; write " + dashed(flag.name));
  }
  flag.on = true;
  return {};
}

// Returns `arg` without its dashes and its value: "workers" for "--workers=3".
std::string_view name_in(std::string_view arg) {
  if (!arg.starts_with("--")) return {};
  return arg.substr(2, arg.find('=') - 2);
}

template <class Flag>
Flag* find(std::span<Flag> flags, std::string_view name) {
  const auto found = std::ranges::find(flags, name, &Flag::name);
  return found != flags.end() ? &*found : nullptr;
}

// Reads the flag args[i] and its value. Moves `i` to the last argument it has read.
Done read_flag(std::span<const char* const> args, std::size_t& i, const FlagSet& flags) {
  const std::string_view name = name_in(args[i]);
  if (auto* const flag = find(flags.numbers, name)) return set_from(args, i, *flag);
  if (auto* const flag = find(flags.texts, name)) return set_from(args, i, *flag);
  if (auto* const flag = find(flags.switches, name)) return set_from(args, i, *flag);
  return std::unexpected(unknown(args[i], flags));
}

}  // namespace

std::expected<CommandLine, std::string> parse_flags(std::span<const char* const> args,
                                                    const FlagSet& flags) {
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
    } else if (!is_flag(arg)) {
      line.arguments.emplace_back(arg);
    } else if (const Done done = read_flag(args, i, flags); !done) {
      return std::unexpected(done.error());
    }
  }
  return line;
}

std::string usage(const FlagSet& flags) {
  std::string text;
  const auto add = [&text](std::string_view name, std::string_view help) {
    text += "  " + dashed(name) + "  " + std::string(help);
  };
  for (const IntFlag& flag : flags.numbers) {
    add(flag.name, flag.help);
    text += "; " + limits(flag) + "; default " + std::to_string(flag.value) + "\n";
  }
  for (const TextFlag& flag : flags.texts) {
    add(flag.name, flag.help);
    text += flag.value.empty() ? "\n" : "; default " + flag.value + "\n";
  }
  for (const SwitchFlag& flag : flags.switches) {
    add(flag.name, flag.help);
    text += "\n";
  }
  return text + "  --help  print this and exit\n";
}

}  // namespace worker_pool
