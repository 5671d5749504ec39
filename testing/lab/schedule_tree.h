// All schedules of a small scenario as data: docs/play shows them.
//
// A tree has one fork for each choice that the explorer makes, and one path for each schedule.
// Equal subtrees are stored once, so a tree of thousands of schedules has a few hundred forks.
#pragma once

#include <functional>
#include <string>

#include "testing/lab/explorer.h"

namespace worker_pool::lab {

// `text` as a string of JSON.
std::string json(const std::string& text);

// Runs every schedule within the limits of `options` on preemptions and spurious wake-ups, also
// after one that failed, and returns the tree as JSON, with a line break after each fork:
//
//   limits               [preemptions, spurious wake-ups]
//   schedules, failing   how many there are
//   threads              their names, by their number
//   files                where lines stand: paths
//   texts                what the numbers below mean where they say "text"
//   lines                [thread, text, file, line], a step; line 0 is an unknown place
//   states               [state, text, file, line], a thread at a fork: 0 can run and does this
//                        next, 1 is blocked, 2 has exited
//   nodes                a fork: {"states": one for each thread, "choices": [...]},
//                        or the end of a schedule: {"verdict": text or, if nothing failed, -1}
//   first                the edge before the first fork
//
//   choice               [thread, flags, text, edge], at its index; flags: 1 a preemption, 2 a
//                        spurious wake-up, 4 an early timeout; edge: 0 beyond the limits
//   edge                 [skipped, lines, node]: how many forks before `node` have only one choice
//                        within the limits, which is always the first, and the steps up to `node`
//
// The forks are those of explore() with the same `options`, so each path has a number as in
// Result::schedule. Throws std::logic_error if the scenario differs from run to run.
std::string schedule_tree(const Options& options, const std::function<void()>& scenario);

}  // namespace worker_pool::lab
