#include "testing/lab/engine/places.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#if defined(__GNUC__)
#include <cxxabi.h>

// The part of libbacktrace's interface that is used here, with the names that it has in
// libstdc++exp.a. Weak, so that a program links without it.
extern "C" {
struct backtrace_state;
using BacktraceError = void (*)(void* data, const char* message, int error);
[[gnu::weak]] backtrace_state* __glibcxx_backtrace_create_state(const char* file, int threaded,
                                                                BacktraceError error, void* data);
[[gnu::weak]] int __glibcxx_backtrace_pcinfo(backtrace_state* state, std::uintptr_t address,
                                             int (*found)(void* data, std::uintptr_t address,
                                                          const char* file, int line,
                                                          const char* function),
                                             BacktraceError error, void* data);
}
#endif

namespace worker_pool::lab {
namespace {

// The stacks form a tree: a stack is a call and the stack that it was made from.
struct Call {
  std::uintptr_t address = 0;
  std::uint32_t from = 0;
  std::vector<std::uint32_t> calls{};  // made from here: few, so they are searched one by one
};

std::vector<Call>& all_calls() {  // by their number
  static auto* const calls = new std::vector<Call>(1);
  return *calls;
}

#if defined(__GNUC__)

void ignore_error(void*, const char*, int) {}

backtrace_state* state() {
  static backtrace_state* const it =
      __glibcxx_backtrace_create_state(nullptr, 0, ignore_error, nullptr);
  return it;
}

std::string demangled(const char* name) {
  if (name == nullptr) return "?";
  int status = 0;
  char* const text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string result = status == 0 ? text : name;
  std::free(text);
  return result;
}

std::vector<Frame> look_up(std::uintptr_t address) {
  std::vector<Frame> result;
  if (!can_name_places()) return result;
  const auto add = [](void* data, std::uintptr_t, const char* file, int line,
                      const char* function) {
    if (file == nullptr) return 0;
    static_cast<std::vector<Frame>*>(data)->push_back({demangled(function), file, line});
    return 0;
  };
  // Minus one: the call is before the address that it returns to.
  __glibcxx_backtrace_pcinfo(state(), address - 1, add, ignore_error, &result);
  return result;
}

#else

std::vector<Frame> look_up(std::uintptr_t) { return {}; }

#endif

const std::vector<Frame>& frames_at(std::uintptr_t address) {
  auto& known = immortal<std::unordered_map<std::uintptr_t, std::vector<Frame>>>();
  const auto [it, is_new] = known.try_emplace(address);
  if (is_new) it->second = look_up(address);
  return it->second;
}

// A test finds a generated file at its path below bazel-out/*/bin/.
std::string path_of(const std::string& file) {
  const std::size_t generated = file.find("/bin/");
  return file.starts_with("bazel-out/") && generated != std::string::npos
             ? file.substr(generated + 5)
             : file;
}

// Neither of the standard library nor of the lab. The path may begin with "./".
bool is_of_user(const std::string& file) {
  const auto contains = [&file](const char* part) { return file.find(part) != std::string::npos; };
  return !file.starts_with("/usr/") && !contains("include/c++/") &&
         !contains("testing/lab/engine/") && !contains("testing/lab/lab.") &&
         !contains("exercises/harness/");
}

bool counts_references(const Frame& frame) {
  const auto is_in = [&frame](const char* name) {
    return frame.function.find(name) != std::string::npos;
  };
  // These do more than count: lock(), expired() and use_count() tell the caller what they saw.
  if (is_in("_M_add_ref_lock") || is_in("_M_get_use_count")) return false;
  if (frame.file.ends_with("ext/atomicity.h")) return true;
  if (frame.file.ends_with("bits/shared_ptr_base.h")) return true;
  return is_in("_M_add_owner") || is_in("_M_release_ownership") || is_in("_M_add_ssrc") ||
         is_in("_M_sub_ssrc");
}

}  // namespace

#if defined(__GNUC__)
bool can_name_places() { return __glibcxx_backtrace_pcinfo != nullptr; }
#else
bool can_name_places() { return false; }
#endif

std::uint32_t called_from(std::uint32_t stack, std::uintptr_t address) {
  std::vector<Call>& calls = all_calls();
  for (const std::uint32_t number : calls[stack].calls) {
    if (calls[number].address == address) return number;
  }
  const auto number = static_cast<std::uint32_t>(calls.size());
  calls[stack].calls.push_back(number);
  calls.push_back({.address = address, .from = stack});
  return number;
}

std::uint32_t returned_from(std::uint32_t stack) { return all_calls()[stack].from; }

Place caller_of(std::uint32_t stack) {
  const Call& call = all_calls()[stack];
  return {.address = call.address, .stack = call.from};
}

std::vector<Frame> frames_of(const Place& place) {
  std::vector<Frame> result = frames_at(place.address);
  const std::vector<Call>& calls = all_calls();
  for (std::uint32_t stack = place.stack; stack != 0; stack = calls[stack].from) {
    const std::vector<Frame>& frames = frames_at(calls[stack].address);
    result.insert(result.end(), frames.begin(), frames.end());
  }
  return result;
}

Frame user_frame(const Place& place) {
  if (place.address == 0) return {};
  for (Frame& frame : frames_of(place)) {
    if (is_of_user(frame.file)) return std::move(frame);
  }
  return {};
}

std::string short_name(const Frame& frame) {
  return frame.file.substr(frame.file.find_last_of('/') + 1) + ":" + std::to_string(frame.line);
}

std::string source_text(const Frame& frame) {
  auto& files = immortal<std::map<std::string, std::vector<std::string>>>();
  const auto [it, is_new] = files.try_emplace(frame.file);
  std::vector<std::string>& lines = it->second;
  if (is_new) {
    std::ifstream stream(path_of(frame.file));
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
  }
  if (frame.line < 1 || static_cast<std::size_t>(frame.line) > lines.size()) return "";
  std::string text = lines[static_cast<std::size_t>(frame.line) - 1];
  text.erase(std::min(text.size(), text.find("  //")));
  return text.substr(std::min(text.size(), text.find_first_not_of(' ')));
}

bool is_reference_count(std::uintptr_t address) {
  auto& known = immortal<std::unordered_map<std::uintptr_t, bool>>();
  const auto [it, is_new] = known.try_emplace(address);
  if (!is_new) return it->second;
  // The function that calls that of the atomic: a destructor may be inlined in what counts.
  const auto frames = frames_at(address);
  const auto caller = std::ranges::find_if(frames, [](const Frame& frame) {
    return frame.file.find("bits/atomic") == std::string::npos;
  });
  return it->second = caller != frames.end() && counts_references(*caller);
}

}  // namespace worker_pool::lab
