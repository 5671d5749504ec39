// LinkedContext: a context that ends as soon as either of two parents ends.
//
//   const LinkedContext linked(job.ctx, pool);            // the earlier of the two deadlines
//   while (!linked.context().err()) do_some_work();       // ends when the job or the pool does
//
// A worker links a job's own context with the pool's, so that one context answers for both. (WP-09)
// A parent that has a stop source of its own makes a child that can be canceled alone:
// LinkedContext child(parent, Context(own.get_token())).
#pragma once

#include <algorithm>
#include <stop_token>

#include "step1_job/context.h"

namespace worker_pool {

// Guarantees
//  1. context() is canceled when a or b is canceled, even if that happened before the link existed.
//     Its reason is that of the parent that was stopped first, or that of `a` if both were stopped
//     before the link existed. If both are stopped at the same time, it may be either.
//  2. Its deadline is the earlier of the two, and it never ends either parent.
//  3. context() and its copies see a stop request only while the LinkedContext lives. After that, a
//     copy keeps its deadline and a stop request that it has already seen.
//  4. The destructor blocks while a stop request is being passed on by another thread, until that
//     request's callbacks have returned. Do not run it under a lock that such a callback takes:
//     each would wait for the other. (WP-17)
class LinkedContext {
 public:
  LinkedContext(const Context& a, const Context& b)
      : context_(own_stop_.context(std::min(a.deadline(), b.deadline()))),
        on_a_(a.stop_token(), PassOn{a, &own_stop_}),
        on_b_(b.stop_token(), PassOn{b, &own_stop_}) {}

  LinkedContext(const LinkedContext&) = delete;
  LinkedContext& operator=(const LinkedContext&) = delete;

  const Context& context() const { return context_; }

 private:
  struct PassOn {
    Context parent;
    ContextSource* target;
    void operator()() const noexcept {
      if (parent.err() == CancelReason::kShutDown) return target->request_shut_down();
      target->request_stop();
    }
  };

  ContextSource own_stop_;  // before the callbacks: they use it until they are destroyed
  Context context_;
  std::stop_callback<PassOn> on_a_;
  std::stop_callback<PassOn> on_b_;
};

}  // namespace worker_pool
