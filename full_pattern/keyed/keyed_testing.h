// What the tests of KeyedPool share.
#pragma once

#include <string>

#include "step1_job/job.h"

namespace worker_pool {

// A KeyOf: the jobs "a1" and "a2" have the key "a".
inline std::string first_letter_of(const Job& job) { return job.id.substr(0, 1); }

}  // namespace worker_pool
