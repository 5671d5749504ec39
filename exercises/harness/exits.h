// A program that ends with status 0 says that the test passed. So until all tests are decided,
// exit(), _exit(), _Exit() and quick_exit() end the program with status 1 and a message, wherever
// they are called: in a test, before main(), or after it. So does daemon(), whose parent would end
// with status 0.
//
// On Linux, exits.cc defines these functions, and refuses a file with syscall(), exec() or the like
// before any of its code runs (7. in source_files.h). On other systems it registers a handler,
// which _exit(), _Exit() and daemon() do not call.
#pragma once

namespace worker_pool {

// What the message names. The text must live until the next call.
void forbid_successful_exit(const char* running_test);

void allow_successful_exit();  // all tests are decided

}  // namespace worker_pool
