// The twin of docs/twins/go/select.go.
#include <chrono>
#include <future>
#include <iostream>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include "step1_job/context.h"
#include "step2_worker/channel.h"

namespace worker_pool {
namespace {

using namespace std::chrono_literals;

std::string_view name(SendStatus status) { return status == SendStatus::kSent ? "sent" : "full"; }

std::string_view send_until_ended(const Context& ctx, Sender<std::string>& jobs, std::string job) {
  if (jobs.send(std::move(job), ctx) == SendStatus::kSent) return "sent";
  return ctx.err() == CancelReason::kDeadlineExceeded ? "context deadline exceeded"
                                                      : "context canceled";
}

std::string answer_within(const std::shared_future<std::string>& answer, Clock::duration limit) {
  return answer.wait_for(limit) == std::future_status::ready ? answer.get() : "timeout";
}

void run() {
  auto [jobs, queue] = make_channel<std::string>(1);
  std::cout << "send for 5 s: " << name(jobs.send_for("a", 5s)) << "\n";
  std::cout << "send for 10 ms: " << name(jobs.send_for("b", 10ms)) << "\n";
  std::cout << "try to send: " << name(jobs.try_send("c")) << "\n";

  const Context late = Context().with_timeout(10ms);
  std::cout << "send with a deadline: " << send_until_ended(late, jobs, "d") << "\n";
  std::stop_source stop;
  const std::jthread canceler([&stop] { stop.request_stop(); });
  const Context ctx(stop.get_token());
  std::cout << "send until canceled: " << send_until_ended(ctx, jobs, "e") << "\n";

  std::cout << "try to receive: " << queue.try_receive().value_or("nothing") << "\n";
  std::cout << "try to receive: " << queue.try_receive().value_or("nothing") << "\n";

  // receive() has no timeout: it returns when the channel is closed. A single answer can have one.
  std::promise<std::string> promise;
  const std::shared_future<std::string> answer = promise.get_future().share();
  std::cout << "answer within 10 ms: " << answer_within(answer, 10ms) << "\n";
  promise.set_value("42");
  std::cout << "answer within 5 s: " << answer_within(answer, 5s) << "\n";
}

}  // namespace
}  // namespace worker_pool

int main() { worker_pool::run(); }
