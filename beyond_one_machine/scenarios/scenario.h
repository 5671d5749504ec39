// Scenario: a server, its consumers as processes of their own, and what they have printed. For
// tests that end some of these processes.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "processes/program.h"
#include "processes/server.h"
#include "processes/temporary_folder.h"
#include "testing/watchdog.h"

namespace worker_pool {

// What happened to the jobs, from the lines that the consumers print with --log_jobs.
class JobLog {
 public:
  void add(const std::string& event, const std::string& id) { ++counts_[event][id]; }

  // How many jobs had this event; or had it at least `times`.
  std::size_t jobs(const std::string& event, int times = 1) const;
  // How many jobs have a result. A consumer that is killed may have stored one without a line, and
  // then the next one finds it.
  std::size_t results() const { return jobs("result"); }
  int times(const std::string& event, const std::string& id) const;

 private:
  std::map<std::string, std::map<std::string, int>> counts_;
};

// One thread uses it. The processes end with it.
class Scenario {
 public:
  // `flags` are passed to every consumer.
  explicit Scenario(std::vector<std::string> flags, std::vector<std::string> server_wrapper = {});
  ~Scenario();

  // Starts a consumer and blocks until it is ready. A second one with a name replaces the first.
  Program& consumer(const std::string& name, const std::vector<std::string>& flags = {});
  // SIGTERM, then waits. Returns the exit status.
  int terminate(const std::string& name);
  // SIGKILL, then waits.
  void kill(const std::string& name);

  // Stores jobs: PREFIX1 and so on.
  void produce(int jobs, const std::string& work, const std::string& prefix = "job-");
  // Starts the producer, in the background.
  void start_producer(const std::vector<std::string>& flags);

  // Blocks until the condition holds. It is checked whenever a line was printed or a process has
  // exited, so it may only depend on these.
  void await(const std::string& what, const std::function<bool(const JobLog&)>& done);
  void await_results(std::size_t jobs);
  void await_line(const std::string& line);  // of any process
  // Blocks until the newest consumer of this name has started a job since the last produce().
  void await_start_by(const std::string& name);

  JobLog log() const;

  // Blocks until every job has a result and the broker has none left. Ends the consumers, and
  // checks that no job is lost and that none has stored a result twice, which Table::create() must
  // prevent.
  void expect_all_done(std::size_t jobs);

  // Writes the numbers into the test's output: lost, started twice and so on.
  void report(std::size_t jobs) const;

  Server& server() { return *server_; }
  Broker& broker() { return *broker_; }
  const Watchdog& watchdog() const { return watchdog_; }

 private:
  void read(const std::string& line);

  const Watchdog watchdog_;
  const std::vector<std::string> flags_;
  const TemporaryFolder folder_;
  mutable std::mutex mutex_;  // guards the three members below
  std::condition_variable changed_;
  JobLog log_;
  std::set<std::string> lines_;
  std::set<std::string> busy_;  // the consumers that have started a job
  std::unique_ptr<Server> server_;
  std::unique_ptr<Broker> broker_;
  std::map<std::string, std::unique_ptr<Program>> programs_;
};

}  // namespace worker_pool
