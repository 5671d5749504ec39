#include "testing/lab/engine/callers.h"

#include <unwind.h>

#include <cstdint>
#include <map>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "testing/lab/engine/inside.h"

// The linker defines these at the ends of the program's code.
extern "C" char __executable_start;
extern "C" char etext;

namespace worker_pool::lab {
namespace {

bool is_in_program(std::uintptr_t address) {
  return address >= reinterpret_cast<std::uintptr_t>(&__executable_start) &&
         address < reinterpret_cast<std::uintptr_t>(&etext);
}

// The first caller in the program, counted from the function that returns to `address`.
class Search {
 public:
  explicit Search(std::uintptr_t address) : address_(address) {}

  std::uintptr_t run() {
    _Unwind_Backtrace(visit, this);
    return found_;
  }

 private:
  static _Unwind_Reason_Code visit(_Unwind_Context* context, void* data) {
    Search& search = *static_cast<Search*>(data);
    const std::uintptr_t caller = _Unwind_GetIP(context);
    if (caller == search.address_) search.has_passed_hook_ = true;
    if (!search.has_passed_hook_ || !is_in_program(caller)) return _URC_NO_REASON;
    search.found_ = caller;
    return _URC_END_OF_STACK;
  }

  const std::uintptr_t address_;
  bool has_passed_hook_ = false;
  std::uintptr_t found_ = 0;
};

// The name of the mutex or condition variable in a line of source text; empty if there is none.
std::string name_in(const std::string& text) {
  static const auto* const patterns = new std::vector<std::regex>{
      std::regex(R"((?:lock_guard|unique_lock|scoped_lock)(?:<[^>]*>)?\s+\w+\(\*?([\w.>-]+))"),
      std::regex(R"(([\w.>-]*\w)(?:\.|->)(?:notify_|wait|lock|try_lock|unlock))"),
  };
  for (const std::regex& pattern : *patterns) {
    std::smatch match;
    if (!std::regex_search(text, match, pattern)) continue;
    const std::string path = match[1];
    const std::string name = path.substr(path.find_last_of(".>") + 1);  // of state_->mutex: mutex
    if (name != "lock" && !name.empty()) return name;
  }
  return "";
}

}  // namespace

Place place_in_program(std::uintptr_t address) {
  if (!is_in_program(address)) address = Search(address).run();
  return {.address = address, .stack = t_stack};
}

std::string name_in_source(const Place& place, const std::string& otherwise) {
  // Each schedule asks again, and searching takes long.
  auto& known = immortal<std::map<std::pair<std::uintptr_t, std::uint32_t>, std::string>>();
  const auto [it, is_new] = known.try_emplace({place.address, place.stack});
  if (is_new) it->second = name_in(source_text(user_frame(place)));
  return it->second.empty() ? otherwise : it->second;
}

}  // namespace worker_pool::lab
