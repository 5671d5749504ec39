#pragma once

inline constexpr int kJobs = 0;
