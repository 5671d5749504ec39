// Each C++ program prints exactly what its Go twin printed: docs/twins/go/NAME.txt, which
// docs/twins/check_go_twins compares with the Go program.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ostream>
#include <sstream>
#include <string>
#include <vector>

#include "testing/run_program.h"
#include "testing/watchdog.h"

namespace worker_pool {
namespace {

struct Twin {
  std::string program;
  std::string expected;  // the file
};

void PrintTo(const Twin& twin, std::ostream* out) { *out << twin.program; }

std::vector<Twin> twins() {
  const char* const pairs = std::getenv("TWINS");
  std::istringstream words(pairs != nullptr ? pairs : "");
  std::vector<Twin> found;
  for (Twin twin; words >> twin.program >> twin.expected;) found.push_back(twin);
  return found;
}

std::string name_of(const ::testing::TestParamInfo<Twin>& info) {
  return info.param.program.substr(info.param.program.rfind('/') + 1);
}

class Twins : public ::testing::TestWithParam<Twin> {};  // without any, GoogleTest fails
INSTANTIATE_TEST_SUITE_P(Cpp, Twins, ::testing::ValuesIn(twins()), name_of);

TEST_P(Twins, PrintsWhatGoPrints) {
  const Watchdog watchdog;
  const auto note = watchdog.waiting("test: for " + GetParam().program + " to end");
  const ProgramResult run = run_program("'" + GetParam().program + "'");
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.err, "");

  const std::string expected = contents(GetParam().expected);
  EXPECT_NE(expected, "") << GetParam().expected << " is empty or missing";
  EXPECT_EQ(run.out, expected) << "C++ printed:\n"
                               << run.out << "Go printed (" << GetParam().expected << "):\n"
                               << expected;
}

}  // namespace
}  // namespace worker_pool
