#include "testing/lab/schedule_tree.h"

#include <cstddef>
#include <cstdio>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "testing/lab/engine/places.h"
#include "testing/lab/engine/recorder.h"

namespace worker_pool::lab {
namespace {

using Items = std::vector<std::string>;

std::string list_of(const Items& items, const char* separator = ",") {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : separator) + item;
  return "[" + text + "]";
}

// Different pieces of JSON, each of which has a number.
class Numbered {
 public:
  std::string number_of(const std::string& item) {
    const auto [it, is_new] = numbers_.try_emplace(item, items_.size());
    if (is_new) items_.push_back(item);
    return std::to_string(it->second);
  }
  const Items& items() const { return items_; }

 private:
  std::map<std::string, std::size_t> numbers_;
  Items items_;
};

// What leads from one fork to the next, as JSON, except for the skipped forks.
struct Edge {
  int skipped = 0;
  Items lines{};
  std::string node{};

  std::string text() const { return list_of({std::to_string(skipped), list_of(lines), node}); }
};

// A fork on the path to the current schedule.
struct Fork {
  Items lines{};   // the steps before it
  Items states{};  // of the threads
  std::vector<Recorder::Alternative> alternatives{};
  std::vector<bool> is_allowed{};
  std::size_t taken = 0;
  std::vector<Edge> edges{};  // of the allowed alternatives so far
};

class Tree : public Recorder {
 public:
  explicit Tree(const Options& options) : options_(options) { options_.recorder = this; }

  std::string of(const std::function<void()>& scenario) {
    Edge first;
    do {
      run(scenario);
    } while (!close_complete_forks(first));
    const Items limits = {std::to_string(options_.max_preemptions),
                          std::to_string(options_.max_spurious_wakeups)};
    return "{\"limits\":" + list_of(limits) + ",\"schedules\":" + std::to_string(schedules_) +
           ",\"failing\":" + std::to_string(failing_) + ",\n\"threads\":" + list_of(threads_) +
           ",\n\"files\":" + list_of(files_.items()) +
           ",\n\"texts\":" + list_of(texts_.items(), ",\n") +
           ",\n\"lines\":" + list_of(lines_.items()) + ",\n\"states\":" + list_of(states_.items()) +
           ",\n\"nodes\":" + list_of(nodes_.items(), ",\n") + ",\n\"first\":" + first.text() + "}";
  }

  void line(int thread, const std::string& text, Place place) override {
    const std::string line =
        list_of({std::to_string(thread), text_number(text), file_and_line(place)});
    segment_.push_back(lines_.number_of(line));
  }

  void fork(const std::vector<Alternative>& alternatives,
            const std::vector<ThreadState>& threads) override {
    const std::size_t depth = depth_++;
    Items before = std::exchange(segment_, {});
    if (depth < path_.size()) {
      is_same_ = is_same_ && path_[depth].alternatives.size() == alternatives.size();
      return;
    }
    Fork fork{.lines = std::move(before), .alternatives = alternatives};
    for (const ThreadState& thread : threads) fork.states.push_back(state_number(thread));
    for (std::size_t i = 0; i < threads.size(); ++i) name(i, json(threads[i].name));
    for (const Alternative& it : alternatives) fork.is_allowed.push_back(is_allowed(it.choice));
    fork.is_allowed[0] = true;  // otherwise the schedule would have no end
    path_.push_back(std::move(fork));
  }

 private:
  // Follows the path, and then takes the first choice at each fork.
  void run(const std::function<void()>& scenario) {
    depth_ = 0;
    segment_.clear();
    options_.replay = "0";
    for (const Fork& fork : path_) options_.replay += "." + std::to_string(fork.taken);
    if (!path_.empty()) options_.replay.erase(0, 2);
    const Result result = explore(options_, scenario);
    if (!is_same_ || depth_ < path_.size()) {
      throw std::logic_error("the scenario behaved differently in another run");
    }
    ++schedules_;
    if (result.failed) ++failing_;
    end_ = {.lines = std::exchange(segment_, {}),
            .node = nodes_.number_of(
                "{\"verdict\":" + (result.failed ? text_number(result.verdict) : "-1") + "}")};
  }

  // Takes the next choice at the last fork that has one. Without any, sets `first` to the edge of
  // the whole tree and returns true.
  bool close_complete_forks(Edge& first) {
    Edge edge = std::move(end_);
    while (!path_.empty()) {
      Fork& fork = path_.back();
      fork.edges.push_back(std::move(edge));
      while (++fork.taken < fork.is_allowed.size()) {
        if (fork.is_allowed[fork.taken]) return false;
      }
      edge = closed(fork);
      path_.pop_back();
    }
    first = std::move(edge);
    return true;
  }

  Edge closed(Fork& fork) {
    if (fork.edges.size() == 1) {  // no fork within the limits
      Edge edge = std::move(fork.edges[0]);
      ++edge.skipped;
      edge.lines.insert(edge.lines.begin(), fork.lines.begin(), fork.lines.end());
      return edge;
    }
    Items choices;
    std::size_t next = 0;
    for (std::size_t i = 0; i < fork.alternatives.size(); ++i) {
      const auto& [choice, text] = fork.alternatives[i];
      const int flags =
          (choice.preemption ? 1 : 0) + (choice.spurious ? 2 : 0) + (choice.timeout ? 4 : 0);
      choices.push_back(
          list_of({std::to_string(choice.thread), std::to_string(flags), text_number(text),
                   fork.is_allowed[i] ? fork.edges[next++].text() : "0"}));
    }
    return {.lines = std::move(fork.lines),
            .node = nodes_.number_of("{\"states\":" + list_of(fork.states) +
                                     ",\"choices\":" + list_of(choices) + "}")};
  }

  // Whether the path leaves room for this choice. The scheduler itself limits spurious wake-ups.
  bool is_allowed(const Choice& choice) const {
    if (!choice.preemption) return true;
    int preemptions = 0;
    for (const Fork& fork : path_) {
      if (fork.alternatives[fork.taken].choice.preemption) ++preemptions;
    }
    return preemptions < options_.max_preemptions;
  }

  std::string text_number(const std::string& text) { return texts_.number_of(json(text)); }

  std::string file_and_line(Place place) {
    const Frame frame = user_frame(place);
    if (frame.file.empty()) return "0,0";
    const std::string file = frame.file.starts_with("./") ? frame.file.substr(2) : frame.file;
    return files_.number_of(json(file)) + "," + std::to_string(frame.line);
  }

  std::string state_number(const ThreadState& thread) {
    return states_.number_of(list_of({std::to_string(static_cast<int>(thread.state)),
                                      text_number(thread.text), file_and_line(thread.place)}));
  }

  void name(std::size_t thread, const std::string& name) {
    if (thread == threads_.size()) threads_.push_back(name);
    is_same_ = is_same_ && threads_[thread] == name;
  }

  Options options_;
  std::vector<Fork> path_;
  std::size_t depth_ = 0;  // of the running schedule
  Items segment_;          // its lines since the last fork
  bool is_same_ = true;    // as far as this can be seen, each run behaved the same
  Edge end_;

  std::size_t schedules_ = 0;
  std::size_t failing_ = 0;
  Items threads_;
  Numbered files_;
  Numbered texts_;
  Numbered lines_;
  Numbered states_;
  Numbered nodes_;
};

}  // namespace

std::string json(const std::string& text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (static_cast<unsigned char>(c) >= 0x20) {
      result += c;
    } else {
      char escaped[7];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      result += c == '\n' ? "\\n" : escaped;
    }
  }
  return result + "\"";
}

std::string schedule_tree(const Options& options, const std::function<void()>& scenario) {
  return Tree(options).of(scenario);
}

}  // namespace worker_pool::lab
