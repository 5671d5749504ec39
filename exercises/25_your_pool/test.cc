// Four stages. Each run begins with the first one, and ends where a test fails.
#include "exercises/harness/lesson.h"

#include EXERCISE_FILE

#include "exercises/25_your_pool/stage_1_channel.h"
#include "exercises/25_your_pool/stage_2_worker.h"
#include "exercises/25_your_pool/stage_3_pool.h"
#include "exercises/25_your_pool/stage_4_shutdown.h"
