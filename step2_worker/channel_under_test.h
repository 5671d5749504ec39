// The channel that the channel tests are about: one kind, with each of four capacities.
//
//   TEST_P(Channel, HoldsWhatFits) {
//     auto [jobs, queue] = make<int>();
//     fill(jobs, capacity());
//   }
//
// Both kinds pass the same tests. There is one copy of them, and it is compiled twice: here for
// make_channel(), and for make_fast_channel() in full_pattern/BUILD, which defines
// TEST_FAST_CHANNEL. That is the only time that step 2 sees a header of the full pattern.
#pragma once

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <utility>

#include "step2_worker/channel.h"
#ifdef TEST_FAST_CHANNEL
#include "full_pattern/fast_channel/fast_channel.h"
#endif

namespace worker_pool {

#ifdef TEST_FAST_CHANNEL
struct KindUnderTest {
  static constexpr const char* kName = "Fast";
  static constexpr const char* kMaker = "make_fast_channel";
  template <class T>
  static std::pair<Sender<T>, Receiver<T>> make(std::size_t capacity) {
    return make_fast_channel<T>(capacity);
  }
};
#else
struct KindUnderTest {
  static constexpr const char* kName = "Simple";
  static constexpr const char* kMaker = "make_channel";
  template <class T>
  static std::pair<Sender<T>, Receiver<T>> make(std::size_t capacity) {
    return make_channel<T>(capacity);
  }
};
#endif

class Channel : public ::testing::TestWithParam<int> {};

// That of the test that is running. An int, because the tests send numbers that they count up.
inline int capacity() { return Channel::GetParam(); }

template <class T>
[[nodiscard]] std::pair<Sender<T>, Receiver<T>> make() {
  return KindUnderTest::make<T>(static_cast<std::size_t>(capacity()));
}

// One place: full and empty by turns, with nothing in between. Two and three: a middle, and an odd
// number. A hundred: more places than there are threads.
INSTANTIATE_TEST_SUITE_P(/* no prefix */, Channel, ::testing::Values(1, 2, 3, 100),
                         [](const auto& test) {
                           return KindUnderTest::kName + ("_" + std::to_string(test.param));
                         });

}  // namespace worker_pool
