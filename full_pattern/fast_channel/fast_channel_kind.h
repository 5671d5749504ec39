// Names the fast channel for step 2's channel tests. See step2_worker/channel_under_test.h.
#pragma once

#include <cstddef>
#include <utility>

#include "full_pattern/fast_channel/fast_channel.h"
#include "step2_worker/channel.h"

namespace worker_pool {

struct KindUnderTest {
  static constexpr const char* kName = "Fast";
  static constexpr const char* kMaker = "make_fast_channel";
  template <class T>
  static std::pair<Sender<T>, Receiver<T>> make(std::size_t capacity) {
    return make_fast_channel<T>(capacity);
  }
};

}  // namespace worker_pool
