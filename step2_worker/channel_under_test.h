// The channel that the channel tests are about: one kind, with each of four capacities.
//
//   TYPED_TEST(Channel, HoldsWhatFits) {
//     auto [jobs, queue] = make<TypeParam, int>();
//     fill(jobs, TypeParam::kCapacity);
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
#include "full_pattern/fast_channel.h"
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

// What a test knows as TypeParam. An int, because the tests send numbers that they count up.
template <int capacity>
struct Capacity {
  static constexpr int kCapacity = capacity;
};

template <class TypeParam, class T>
[[nodiscard]] std::pair<Sender<T>, Receiver<T>> make() {
  return KindUnderTest::make<T>(TypeParam::kCapacity);
}

// Makes it Channel/Simple_1, Channel/Fast_100 and so on in what the tests print.
struct KindAndCapacity {
  template <class TypeParam>
  static std::string GetName(int /*index*/) {
    return KindUnderTest::kName + ("_" + std::to_string(TypeParam::kCapacity));
  }
};

template <class TypeParam>
class Channel : public ::testing::Test {};

// One place: full and empty by turns, with nothing in between. Two and three: a middle, and an odd
// number. A hundred: more places than there are threads.
using Capacities = ::testing::Types<Capacity<1>, Capacity<2>, Capacity<3>, Capacity<100>>;
TYPED_TEST_SUITE(Channel, Capacities, KindAndCapacity);

}  // namespace worker_pool
