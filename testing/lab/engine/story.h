// The story of a schedule: what each thread did, in order.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "testing/lab/engine/places.h"

namespace worker_pool::lab {

struct StoryLine {
  std::string thread{};
  std::string text{};  // "notifies work_ready: no thread is waiting"
  Place place{};       // where, if the story names places
};

// The last lines of the story, each with a line break at its end. A story that fits has one column
// for each thread. Otherwise the lines stand below each other, each after its thread's name. Lines
// with a place are followed by its file, line and source text.
std::string text_of(const std::vector<StoryLine>& story);

// A time that is not negative, exactly, in years, h, s, ms or ns: "1 year", "60 s", "1500 ms".
std::string duration_text(std::chrono::nanoseconds time);

// How a data race is told, in one line.
struct Access;
std::string race_text(const Access& earlier, const std::string& first, const Access& later,
                      const std::string& second, const std::string& object);

}  // namespace worker_pool::lab
