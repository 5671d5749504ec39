// Places in the code under test: from the address of an instruction, and the calls that led there,
// to a file, a line, and the text of that line.
//
// The addresses come from the compiler's hooks, the lines from the program's debug information,
// which libbacktrace reads. GCC 15 and later ship it in libstdc++exp.a.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace worker_pool::lab {

// The program's only T, which is never destroyed: a blocked thread of a failed schedule may still
// use it when the program exits.
template <class T>
T& immortal() {
  static T* const object = new T;
  return *object;
}

struct Place {
  std::uintptr_t address = 0;  // where the call returns to; 0: unknown
  std::uint32_t stack = 0;     // t_stack at that time
};

struct Frame {
  std::string function{};
  std::string file{};  // as the compiler was given it, so relative to the workspace
  int line = 0;
};

// Whether this program can name its places: it was linked with libbacktrace.
bool can_name_places();

// The calls that a thread is in, innermost last, as a number. 0: none.
std::uint32_t called_from(std::uint32_t stack, std::uintptr_t address);
std::uint32_t returned_from(std::uint32_t stack);
// The place of the innermost call.
Place caller_of(std::uint32_t stack);

// Innermost first, with inlined functions.
std::vector<Frame> frames_of(const Place& place);
// The innermost frame that is neither in a standard header nor in the lab. Its file is empty if
// there is none.
Frame user_frame(const Place& place);
std::string short_name(const Frame& frame);   // "bounded_queue.h:52"
std::string source_text(const Frame& frame);  // "std::unique_lock lock(mutex_);"

// Whether this is the reference count of a std::shared_ptr or of a stop state. Remembered for each
// address, so that asking again is cheap.
bool is_reference_count(std::uintptr_t address);

// The address that the calling function returns to.
#if defined(__GNUC__)
[[gnu::always_inline]] inline std::uintptr_t return_address() {
  return reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
}
#else
inline std::uintptr_t return_address() { return 0; }
#endif

}  // namespace worker_pool::lab
