// The twin of docs/twins/go/sync.go.
#include <iostream>
#include <mutex>
#include <thread>

namespace {

class Counter {
 public:
  void add() {
    const std::lock_guard lock(mutex_);
    ++count_;
  }

  int count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }

 private:
  mutable std::mutex mutex_;
  int count_ = 0;  // guarded by mutex_
};

}  // namespace

int main() {
  std::once_flag announced;
  Counter counter;
  {
    const auto work = [&] {
      std::call_once(announced, [] { std::cout << "the first one says this, once\n"; });
      for (int i = 0; i < 1'000; ++i) counter.add();
    };
    const std::jthread first(work), second(work);
  }  // joins both
  std::cout << "counted: " << counter.count() << "\n";
}
