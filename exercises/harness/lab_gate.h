// Holds threads of a scenario until the test opens the gate. A job that waits at a gate has started
// and has not finished. What comes before open() is ordered before what follows wait(), and what
// comes before wait() before what follows await_arrival().
//
//   LabGate gate("first job");
//   pool.submit([&] { gate.wait(); });
//   gate.await_arrival();  // the job runs now
//   gate.open();
#pragma once

namespace worker_pool {

class LabGate {
 public:
  // The name is for the story. It must outlive the gate, as a literal does.
  explicit LabGate(const char* name);
  LabGate(const LabGate&) = delete;
  LabGate& operator=(const LabGate&) = delete;

  void open();
  void wait();           // blocks until open() has been called
  void await_arrival();  // blocks until a thread has called wait()

 private:
  const char* const name_;
  const char arrival_ = 0;
  const char opening_ = 0;
};

}  // namespace worker_pool
