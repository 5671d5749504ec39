// verdict_of(): what a run of `bazel test` on one exercise means to the learner, without anything
// of Bazel's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace worker_pool {

enum class Outcome {
  kGreen,         // the test passed
  kRed,           // the test failed
  kCompileError,  // the file does not compile or link
  kNone,          // Bazel failed for another reason
};

struct Verdict {
  Outcome outcome = Outcome::kNone;
  std::vector<std::string> lines{};  // the story, the compiler's errors, or Bazel's
  std::string lesson{};              // without its label; only if the test failed
  std::string stage{};               // the last line "STAGE ..." of the test, if it prints any
};

// `status` is Bazel's exit status and `output` everything that it printed with --test_output=all,
// errors included.
Verdict verdict_of(int status, std::string_view output);

}  // namespace worker_pool
