// Does what the environment variable SABOTAGE says:
//
//   bug, bug2           work that fails in the first or in the second test
//   throw               prepare() throws
//   replay              sets LAB_REPLAY before main()
//   start _Exit         calls _Exit(0) before main()
//   test _Exit          calls _Exit(0) in the first test (test2: in the second)
//   test 256            calls _exit(256) there, which is status 0 for the parent process
//   handler _Exit       calls exit(1) in the first test, and _Exit(0) in a handler of atexit()
//   handler             calls exit(1) in the first test
//
// exit, _exit, quick_exit and daemon work as _Exit does. Without SABOTAGE, this is a solved
// exercise.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

#include "testing/lab/lab.h"

namespace worker_pool {

inline std::string sabotage() {
  const char* text = std::getenv("SABOTAGE");
  return text == nullptr ? "" : text;
}

inline void end_if(const std::string& when) {
  if (sabotage() == when + " exit") std::exit(0);
  if (sabotage() == when + " _exit") _exit(0);
  if (sabotage() == when + " 256") _exit(256);
  if (sabotage() == when + " _Exit") std::_Exit(0);
  if (sabotage() == when + " quick_exit") std::quick_exit(0);
#ifdef __linux__
  if (sabotage() == when + " daemon" && daemon(1, 1) != 0) std::abort();
#endif
}

inline void prepare() {
  if (sabotage() == "throw") throw std::runtime_error("no such job");
}

inline void work(int test) {
  const std::string number = test == 1 ? "" : std::to_string(test);
  end_if("test" + number);
  if (sabotage().starts_with("handler")) std::exit(EXIT_FAILURE);
  lab::check(sabotage() != "bug" + number, "the work failed");
}

inline const bool kStarted = [] {
  if (sabotage() == "replay") ::setenv("LAB_REPLAY", "0", 1);
  end_if("start");
  return std::atexit([] { end_if("handler"); }) == 0;
}();

}  // namespace worker_pool
