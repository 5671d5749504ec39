// The fixture of the channel tests: runs each test on one kind of channel, with four capacities.
//
//   TEST_P(Channel, HoldsWhatFits) {
//     auto [jobs, queue] = make<int>();
//     fill(jobs, capacity());
//   }
//
// Every kind of channel passes the same tests. The package that compiles them chooses the kind: its
// BUILD file sets CHANNEL_KIND_HEADER to a header that defines KindUnderTest. Step 2 names
// simple_channel_kind.h; a package with another kind compiles the tests again for its own.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <utility>

#include "step2_worker/channel.h"

// A path without quotes, so that a BUILD file can pass it. Two macros, because # does not expand
// its argument.
#define QUOTED_AS_IT_IS(path) #path
#define QUOTED(path) QUOTED_AS_IT_IS(path)
#include QUOTED(CHANNEL_KIND_HEADER)

namespace worker_pool {

class Channel : public ::testing::TestWithParam<int> {};

// Returns the capacity of the running test. An int, because the tests send consecutive numbers.
inline int capacity() { return Channel::GetParam(); }

template <class T>
[[nodiscard]] std::pair<Sender<T>, Receiver<T>> make() {
  return KindUnderTest::make<T>(static_cast<std::size_t>(capacity()));
}

// 1: always either full or empty. 2 and 3: neither full nor empty is possible, with an even and an
// odd size. 100: more places than threads.
INSTANTIATE_TEST_SUITE_P(/* no prefix */, Channel, ::testing::Values(1, 2, 3, 100),
                         [](const auto& test) {
                           return KindUnderTest::kName + ("_" + std::to_string(test.param));
                         });

}  // namespace worker_pool
