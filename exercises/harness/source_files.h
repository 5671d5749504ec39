// Reads the two source files of an exercise when its test runs: the test must decide everything
// that test.cc has, and the exercise's file must not replace a part of the test.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace worker_pool {

// Returns the text of a file that the test target lists in `data`, or nothing if there is none.
std::optional<std::string> read_source(const std::string& path);

struct Place {
  std::string name{};
  int first_line = 0;
  int last_line = 0;
};

struct TestPlan {
  std::vector<Place> tests{};  // Suite.Name
  std::vector<Place> calls{};  // of expect_every_schedule()
};

TestPlan plan_of(std::string_view test_file);

struct Refused {
  int line = 0;
  std::string why{};
};

// Returns the first thing in an exercise's file that could replace a part of the test:
//   1. a macro, or a header that could define one: only <name>, lab.h, explorer.h and a header of a
//      step are none;
//   2. a pragma other than `once`;
//   3. a declaration named `lab` or `std`, or one more part of that namespace; a function of it; a
//      specialization of a template, in whole or in part, which may be one of theirs;
//   4. a name of the harness, of the explorer, or of what lab.h uses itself; running_threads only
//      if it may be the lab's;
//   5. an operator that a test may use with types of std or of the lab, such as ==, unless it is a
//      comparison that is defaulted, or that is a const member of a class;
//   6. what hides code from the lab: an attribute for sanitizers or for inlining, or assembly;
//   7. what ends the program unseen: syscall(), another program in place of this one, or
//      attributes with which code runs before this check;
//   8. what compilers read in different ways: a backslash outside literals, or a lone carriage
//      return.
// Comments and literals may contain anything.
std::optional<Refused> what_is_refused(std::string_view exercise_file);

// The same for the file of that path: "path:line", and on the next line why. Empty if nothing in it
// is refused. A file that cannot be read is refused.
std::string refusal_of(const std::string& exercise_path);

}  // namespace worker_pool
