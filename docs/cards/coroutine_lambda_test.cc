// A coroutine copies its parameters, but the captures of a lambda stay in the lambda. When that is
// destroyed, a suspended coroutine refers to destroyed captures. (WP-40)
#include <gtest/gtest.h>

#include <coroutine>
#include <exception>
#include <memory>
#include <utility>

namespace worker_pool {
namespace {

// Starts at once. The caller resumes it.
class Task {
 public:
  struct promise_type {
    Task get_return_object() {
      return Task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };

  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  ~Task() { coroutine_.destroy(); }

  void resume() { coroutine_.resume(); }

 private:
  explicit Task(std::coroutine_handle<promise_type> coroutine) : coroutine_(coroutine) {}

  std::coroutine_handle<promise_type> coroutine_;
};

TEST(CoroutineLambda, CapturesAreDestroyedWithTheLambda) {
  auto limit = std::make_shared<int>(3);
  const std::weak_ptr<int> capture = limit;
  int seen = 0;
  Task task = [limit = std::move(limit), &seen]() -> Task {
    seen = *limit;  // the lambda still exists, because the coroutine has not been suspended yet
    co_await std::suspend_always();
    // From here on, a use of `limit`, or of `seen`, would read a destroyed lambda.
  }();
  EXPECT_EQ(seen, 3);
  EXPECT_TRUE(capture.expired()) << "the suspended coroutine still has its capture";
  task.resume();
}

TEST(CoroutineLambda, ParametersLiveAsLongAsTheCoroutine) {
  auto limit = std::make_shared<int>(3);
  const std::weak_ptr<int> parameter = limit;
  int seen = 0;
  {
    Task task = [](std::shared_ptr<int> limit_, int* seen_) -> Task {
      co_await std::suspend_always();
      *seen_ = *limit_;
    }(std::move(limit), &seen);
    EXPECT_FALSE(parameter.expired());
    task.resume();
    EXPECT_EQ(seen, 3);
  }
  EXPECT_TRUE(parameter.expired());
}

}  // namespace
}  // namespace worker_pool
