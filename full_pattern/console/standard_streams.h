// Standard input, output and error of a program, whatever the program was started with.
//
//   int main(int argc, char** argv) {
//     prepare_standard_streams();  // first, before anything else is opened
//     ...
//     return flush_standard_output("checksum") ? EXIT_SUCCESS : EXIT_FAILURE;
#pragma once

#include <string_view>

namespace worker_pool {

// Makes the standard streams safe to use. Throws std::system_error if /dev/null cannot be opened.
//
// 1. A write that fails is an error and does not end the program: calls ignore_write_signals().
// 2. A closed stream (`>&-`) stays unusable, but its descriptor is taken. Otherwise the next file
//    that the program opens would get that descriptor, and what is printed would go into the file.
//    Reading and writing fails with EBADF, as it did before, so that the program can tell its user:
//    one who wants no output says `>/dev/null`.
//
// Call it on the main thread, before anything is opened or another thread starts. On Windows it
// does nothing.
void prepare_standard_streams();

// Flushes standard output. If something printed on it could not be written, now or earlier, prints
// "PROGRAM: cannot write to standard output" on standard error and returns false.
bool flush_standard_output(std::string_view program);

}  // namespace worker_pool
