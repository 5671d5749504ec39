// The twin of docs/twins/go/context.go.
#include "step1_job/context.h"

#include <chrono>
#include <iostream>
#include <stop_token>
#include <string_view>
#include <thread>

#include "step1_job/linked_context.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

std::string_view state(const Context& ctx) {
  const auto why = ctx.err();
  if (!why) return "goes on";
  return *why == CancelReason::kDeadlineExceeded ? "deadline exceeded" : "cancelled";
}

void run() {
  std::cout << "background: " << state(Context()) << "\n";

  // A Context cannot cancel itself. The code that may cancel owns the std::stop_source.
  std::stop_source cancel_parent, cancel_child, cancel_sibling;
  const Context parent(cancel_parent.get_token());
  const LinkedContext child(parent, Context(cancel_child.get_token()));
  const LinkedContext sibling(parent, Context(cancel_sibling.get_token()));
  cancel_child.request_stop();
  std::cout << "child cancelled, parent: " << state(parent) << " child: " << state(child.context())
            << "\n";

  const std::jthread canceller([&] { cancel_parent.request_stop(); });
  std::cout << "slept for an hour: " << sibling.context().sleep_for(1h) << "\n";
  std::cout << "parent cancelled, the other child: " << state(sibling.context()) << "\n";

  const Context late = Context().with_timeout(0s);
  std::cout << "timeout of 0: " << state(late) << "\n";

  const Clock::time_point now = Clock::now();
  const Context hour = Context().with_deadline(now + 1h);
  const Context day = hour.with_deadline(now + 24h);
  std::cout << "child of an hour asks for a day, gets the hour: " << (day.deadline() == now + 1h)
            << "\n";
}

}  // namespace
}  // namespace worker_pool

int main() {
  std::cout << std::boolalpha;
  worker_pool::run();
}
