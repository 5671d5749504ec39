#include "exercises/harness/exits.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "exercises/harness/exercise_files.h"
#include "exercises/harness/source_files.h"

#ifdef __linux__
#include <dlfcn.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace worker_pool {
namespace {

// Null once all tests are decided. Initialized before any code of the program runs.
constinit std::atomic<const char*> undecided = "the code before the first test";

void print(const std::string& text) {
  std::fputs((text + "\n").c_str(), stdout);
  std::fflush(stdout);
}

// Why this is no success, if the program ends now and does it by `end`. Empty if it is one.
std::string why_undecided(const std::string& end) {
  if (const char* test = undecided) {
    return std::string(test) + "\nIt " + end + " before all tests were decided.";
  }
  return refusal_of(kExerciseFiles.exercise);  // it could call the functions of exits.h
}

void check_at_exit() {
  const std::string why = why_undecided("ended the program");
  if (why.empty()) return;
  print("FAILED " + why);
  std::_Exit(EXIT_FAILURE);
}

}  // namespace

void forbid_successful_exit(const char* running_test) { undecided = running_test; }
void allow_successful_exit() { undecided = nullptr; }

#ifdef __linux__

namespace {

// Calls the C library's function of this name, or reports a call that would hide undecided tests.
[[noreturn]] void end(const char* function, int status) {
  // The parent process sees only these bits.
  const bool is_success = (status & 0xff) == 0;
  const std::string call = std::string(function) + "(" + std::to_string(status) + ")";
  const std::string why = is_success ? why_undecided("called " + call) : "";
  if (!why.empty()) {
    print("FAILED " + why);
    function = "_exit";
    status = EXIT_FAILURE;
  }
  using Function = void (*)(int);
  if (const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, function))) real(status);
  while (true) ::syscall(SYS_exit_group, status);
}

// The parent of the process that goes on ends with status 0, which no other function here sees.
int become_daemon(int keeps_folder, int keeps_files) {
  const std::string why = why_undecided("called daemon()");
  if (!why.empty()) {
    print("FAILED " + why);
    end("_exit", EXIT_FAILURE);
  }
  using Function = int (*)(int, int);
  const auto real = reinterpret_cast<Function>(::dlsym(RTLD_NEXT, "daemon"));
  return real == nullptr ? -1 : real(keeps_folder, keeps_files);
}

// Runs before any code of the exercise's file: a system call there, for example, could end the
// program with status 0, which no function here would see.
[[gnu::constructor(101)]] void check_before_all() {
  const std::string why = refusal_of(kExerciseFiles.exercise);
  if (!why.empty()) {
    print("FAILED " + why);
    std::_Exit(EXIT_FAILURE);
  }
  // Explains an exit with another status too. The first handler that is registered runs last.
  std::atexit(check_at_exit);
}

}  // namespace

// With names of their own, because C libraries disagree about the declarations of the real ones.
extern "C" {
[[noreturn]] void checked_exit(int status) __asm__("exit");
[[noreturn]] void checked_fast_exit(int status) __asm__("_exit");
[[noreturn]] void checked_c_exit(int status) __asm__("_Exit");
[[noreturn]] void checked_quick_exit(int status) __asm__("quick_exit");
int checked_daemon(int keeps_folder, int keeps_files) __asm__("daemon");

void checked_exit(int status) { end("exit", status); }
void checked_fast_exit(int status) { end("_exit", status); }
void checked_c_exit(int status) { end("_Exit", status); }
void checked_quick_exit(int status) { end("quick_exit", status); }
int checked_daemon(int keeps_folder, int keeps_files) {
  return become_daemon(keeps_folder, keeps_files);
}
}

#else

namespace {

[[maybe_unused]] const bool registered =
    std::atexit(check_at_exit) == 0 && std::at_quick_exit(check_at_exit) == 0;

}  // namespace

#endif

}  // namespace worker_pool
