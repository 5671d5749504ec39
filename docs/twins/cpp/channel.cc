// The twin of docs/twins/go/channel.go.
#include "step2_worker/channel.h"

#include <future>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace worker_pool {
namespace {

void produce(Sender<int> out, int n) {  // can send and close, not receive
  for (int i = 1; i <= n; ++i) {
    if (out.send(int{i}) != SendStatus::kSent) return;
  }
}  // closes: the Sender's destructor does

int sum(const Receiver<int>& in) {  // can receive, not send
  int total = 0;
  while (const std::optional<int> i = in.receive()) total += *i;
  return total;
}

std::string_view send_status(Sender<int>& out, int i) {
  return out.send(std::move(i)) == SendStatus::kSent ? "sent" : "closed";
}

void run() {
  auto [numbers, received] = make_channel<int>(2);  // two wait; the third send() blocks
  const std::jthread producer(produce, std::move(numbers), 10);
  std::cout << "sum: " << sum(received) << "\n";
  std::cout << "a value after the end: " << received.receive().has_value() << "\n";

  auto [letters, alphabet] = make_channel<std::string>(2);
  for (const std::string letter : {"a", "b"}) {
    if (letters.send(std::string(letter)) != SendStatus::kSent) return;
  }
  letters.close();
  while (const std::optional<std::string> letter = alphabet.receive()) {
    std::cout << "received after close: " << *letter << "\n";
  }

  auto [closing, ignored] = make_channel<int>(2);
  std::cout << "before close: " << send_status(closing, 1) << "\n";
  closing.close();
  std::cout << "after close: " << send_status(closing, 2) << "\n";

  std::promise<int> answer;  // there is no unbuffered channel; one value needs no channel
  const std::jthread thinker([&answer] { answer.set_value(6 * 7); });
  std::cout << "answer: " << answer.get_future().get() << "\n";
}

}  // namespace
}  // namespace worker_pool

int main() {
  std::cout << std::boolalpha;
  worker_pool::run();
}
