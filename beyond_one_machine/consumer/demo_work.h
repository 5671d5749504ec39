// The work of the demo and of the tests: the payload of a job says what it does.
//
//   sleep 20      sleeps for 20 ms, until its context ends
//   fail          fails every time
//   crash         ends the whole process
//   ignore 5000   sleeps for 5 s and ignores its context
#pragma once

#include <string>

#include "broker/broker.h"
#include "consumer/settle.h"
#include "step1_job/job.h"

namespace worker_pool {

// Returns a handler that does such work. It is idempotent: it stores the result of a job, which is
// `name`, under the job's id, if no other run of the job has done so. `event` is called with
// "stored", or with "stored before".
JobHandler demo_work(std::string name, Table results, JobEvent event);

}  // namespace worker_pool
