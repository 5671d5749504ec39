// Holds threads of a scenario until the test opens the gate. A job that waits at a gate has started
// and has not finished.
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
  explicit LabGate(const char* name) : name_(name) {}

  void open();
  void wait();           // blocks until open() has been called
  void await_arrival();  // blocks until a thread has called wait()

 private:
  const char* const name_;
  bool arrived_ = false;
  bool open_ = false;
};

}  // namespace worker_pool
