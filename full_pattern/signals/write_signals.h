// ignore_write_signals(): a write that fails is an error, and no longer ends the program.
//
//   int main() {
//     ignore_write_signals();
//     ...
//     if (!std::cout.flush()) return fail("cannot write to standard output");
//
// Two signals end a program that writes. SIGPIPE comes when the reader of a pipe or a socket has
// gone, as in `program | head -2`, and SIGXFSZ when a file has reached the limit of `ulimit -f`. If
// they are ignored, the write fails with EPIPE or EFBIG instead. ShutdownSignals does this, too.
// (WP-37)
#pragma once

namespace worker_pool {

// Ignores both signals in the whole process. On Windows it does nothing.
//
// 1. Leaves a signal alone for which the program has a handler.
// 2. Nothing restores the default, because streams write what is left in their buffers when the
//    program exits.
// 3. Child processes inherit the ignored signals. Restore SIG_DFL between fork() and exec().
void ignore_write_signals();

}  // namespace worker_pool
