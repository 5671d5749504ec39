// quoted_name(): a file name or an argument as it appears in a message.
//
//   std::cerr << quoted_name(name) + ": is missing\n";   // 'two'$'\n''lines': is missing
//
// A name may hold line ends and escape sequences, which would forge lines or change the terminal.
#pragma once

#include <string>
#include <string_view>

namespace worker_pool {

// Returns the name on one line, so that a POSIX shell or a reader can tell where it ends. As in the
// messages of GNU's programs:
//
//   plain/name-1.txt   no quotes, if no character is special
//   'a b'              quotes otherwise, also for the empty name
//   'a'$'\n''b'        control characters, and bytes that are not UTF-8, as Bash reads them
//
// Of a name above 500 bytes, only the first and the last 250 are kept, with "..." in between.
std::string quoted_name(std::string_view name);

}  // namespace worker_pool
