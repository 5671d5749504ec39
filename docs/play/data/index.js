// Written by docs/play/make_data.
"use strict";
const course = {exercises: {}};
course.names = ["02_bare_wait","03_lost_stop","06_order_assumption","07_late_add","08_checked_flag","10_deaf_sleep","11_full_queue_shutdown","12_close_contract","13_detached_worker","14_timeout_that_waits",];
