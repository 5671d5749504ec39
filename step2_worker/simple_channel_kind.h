// The kind of channel that step 2 tests: make_channel() of channel.h. See channel_under_test.h.
#pragma once

#include <cstddef>
#include <utility>

#include "step2_worker/channel.h"

namespace worker_pool {

struct KindUnderTest {
  static constexpr const char* kName = "Simple";
  static constexpr const char* kMaker = "make_channel";
  template <class T>
  static std::pair<Sender<T>, Receiver<T>> make(std::size_t capacity) {
    return make_channel<T>(capacity);
  }
};

}  // namespace worker_pool
