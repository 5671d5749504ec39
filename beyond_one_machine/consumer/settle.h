// Settle: tells the broker what became of each job, when a worker has finished it.
//
// | the job                          | the broker                                                |
// | -------------------------------- | --------------------------------------------------------- |
// | succeeded                        | removes it                                                |
// | was canceled by its caller       | removes it: its caller no longer wants it                 |
// | was interrupted by the shutdown  | delivers it again at once                                 |
// | was late before it started       | delivers it again at once                                 |
// | ended its worker's thread        | moves it to the dead-letter stream at once, or as soon    |
// |                                  | as it can; it does not start again                        |
// | failed, threw, was late          | delivers it again after a pause, or the job is buried     |
//
// A job may end after its limit (in_hand.h), or after Consumer::run() has returned. The broker may
// have delivered it to another consumer by then:
// - If it failed, threw, was late or was interrupted, it is left to the broker. An answer might
//   count for the delivery that the other consumer has.
// - If it succeeded, or its caller canceled it, it is removed: nothing is left to do.
// - If it ended its worker's thread, it is buried: each further start would end another worker.
//
// A job stays in hand, so that it is extended, until the broker has replied to what is asked before
// the answer.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "broker/broker.h"
#include "consumer/attempts.h"
#include "consumer/in_hand.h"
#include "step1_job/job.h"
#include "step2_worker/observer.h"

namespace worker_pool {

struct ConsumerCounts {
  std::atomic<std::uint64_t> done = 0;
  std::atomic<std::uint64_t> failed = 0;       // and delivered again
  std::atomic<std::uint64_t> handed_back = 0;  // not done, and no fault of the job
  std::atomic<std::uint64_t> redelivered = 0;  // received, and delivered before
  std::atomic<std::uint64_t> buried = 0;
  std::atomic<std::uint64_t> errors = 0;         // answers that could not be sent
  std::atomic<std::uint64_t> ended_threads = 0;  // of workers, by their jobs (forced_unwind.h)
};

// What an event is called, and the id of the job. Called on any thread, also on the one that
// fetches. So it must not block, or the consumer can neither fetch nor shut down.
using JobEvent = std::function<void(std::string_view event, const std::string& id)>;

// Thread-safe. An abandoned worker may call it late, so it owns what it uses. Drops what an event
// throws, because the jobs after it need an answer too.
class Settle final : public Observer {
 public:
  struct Options {
    int max_starts = 5;  // at least 1
    std::chrono::milliseconds retry_delay = std::chrono::seconds(1);
  };

  // Throws std::invalid_argument if max_starts is less than 1.
  Settle(Options options, std::shared_ptr<Broker> broker, JobEvent event);

  void job_started(int worker, const Job& job) override;
  void job_finished(int worker, const Job& job, const JobResult& result) override;

  // Hands back a job that was not started. After its limit, it is left to the broker.
  void hand_back(const std::string& id);
  // The same, and the broker delivers it again after the retry delay.
  void hand_back_later(const std::string& id);
  // The same as hand_back() for a delivery that is not in hand.
  void hand_back(const Delivery& delivery);
  // Removes a job that has a result already, from an earlier delivery.
  void done_before(const std::string& id);
  // Stores the job in the dead-letter stream and removes it, with the record of its starts; hands
  // it back if that fails. If only the broker's reply is lost, the job is stored once more later.
  void bury(const Job& job, const std::string& why);

  bool has_result(const std::string& id) const { return results_.get(id).has_value(); }
  Attempts attempts(const std::string& id) const { return attempts_.read(id); }
  bool is_hopeless(Attempts attempts) const { return attempts.starts >= options_.max_starts; }

  JobsInHand& in_hand() { return in_hand_; }
  ConsumerCounts& counts() { return counts_; }

 private:
  void hand_back(const std::string& id, std::chrono::milliseconds delay);
  void hand_back(const Delivery& delivery, std::chrono::milliseconds delay);
  std::optional<JobInHand> take_to_hand_back(const std::string& id);
  void leave(const std::string& id);
  void ended_thread(const Job& job, const std::string& why);
  void done(const std::string& id);
  void interrupted(const FoundJob& found, const std::string& id);
  void failed(const FoundJob& found, const Job& job, const std::string& why);
  void record(const std::string& id, Attempts attempts);
  void answered(bool sent) { counts_.errors += sent ? 0 : 1; }
  void tell(std::string_view event, const std::string& id) const;

  const Options options_;
  const std::shared_ptr<Broker> broker_;
  const AttemptLog attempts_;
  const Table results_;
  const JobEvent event_;
  JobsInHand in_hand_;
  ConsumerCounts counts_;
};

}  // namespace worker_pool
