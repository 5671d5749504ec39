// Shows what a job carries, and how its context ends.
#include <chrono>
#include <cstddef>
#include <iostream>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "step1_job/context.h"
#include "step1_job/job.h"
#include "step1_job/linked_context.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

std::string state_of(const Context& ctx) {
  const std::optional<CancelReason> why = ctx.err();
  return why ? std::string(to_string(ended(*why).kind)) : "active";
}

void show_that_a_job_owns_its_payload() {
  Job job{.id = "a", .payload = std::vector<std::byte>(1024)};
  const std::byte* const bytes = job.payload.data();
  const Job moved = std::move(job);
  std::cout << "Job " << moved.id << ": " << moved.payload.size() << " bytes, "
            << (moved.payload.data() == bytes ? "moved, not copied" : "copied") << "\n";
}

void show_a_deadline() {
  const Context ctx = Context().with_timeout(20ms);
  std::cout << "Deadline: " << state_of(ctx);
  const bool slept = ctx.sleep_for(1h);  // returns after 20 ms
  std::cout << ", then " << (slept ? "slept an hour" : "woken early") << ": " << state_of(ctx)
            << "\n";
}

void show_that_a_parent_cancels_its_child() {
  std::stop_source stop;
  const Context parent(stop.get_token());
  const Context child = parent.with_timeout(0ms);
  std::cout << "Parent: " << state_of(parent) << ", child: " << state_of(child) << "\n";
  stop.request_stop();
  std::cout << "Parent: " << state_of(parent) << ", child: " << state_of(child) << "\n";
}

void show_two_parents() {
  std::stop_source caller;
  ContextSource pool;
  const LinkedContext linked(Context(caller.get_token()), pool.context());
  std::cout << "Linked: " << state_of(linked.context());
  pool.request_shut_down();
  std::cout << ", and when the pool shuts down: " << state_of(linked.context()) << "\n";
}

}  // namespace
}  // namespace worker_pool

int main() {
  worker_pool::show_that_a_job_owns_its_payload();
  worker_pool::show_a_deadline();
  worker_pool::show_that_a_parent_cancels_its_child();
  worker_pool::show_two_parents();
}
