#include "exercises/learn/fake_clone.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace worker_pool {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTable = R"(# Exercises

| Exercise | After step | The bug | Minutes | In the wild |
| --- | --- | --- | --- | --- |
| [01_first](01_first/README.md) | [2. Worker](../step2/README.md) | the first bug | 10 | [a](b) |
| [02_second](02_second/README.md) | [3. Dispatcher](../step3/README.md) | the second bug | 10 | [a](b) |
| [03_third](03_third/README.md) | [2. Worker](../step2/README.md) | the third bug | 10 | [a](b) |

| Exercise | Starter |
| --- | --- |
| `01_first` | red |
)";

constexpr const char* kPage = R"(# An exercise

Fix [`code.h`](code.h).

<details><summary>Hint 1: where to start</summary>

Read the [first function](code.h).

</details>
<details><summary>Hint 2: the idea</summary>

Lock the mutex.

</details>
)";

// The script knows where the program is.
constexpr const char* kBazelw = R"sh(
command=$1
if [ "$command" = run ]; then
  until [ "$1" = -- ]; do shift; done
  shift
  export BUILD_WORKSPACE_DIRECTORY="$PWD"
  exec "$learn" "$@"
fi
[ "$command" = test ] || exit 0
for target; do :; done
name=${target#//exercises/}
name=${name%:test}
code=$(cat "exercises/$name/code.h")
echo "INFO: Analyzed target $target"
begin() { echo "==================== Test output for $target:"; }
end() { echo "================================================================================"; }
case $code in
  *GREEN*)
    begin
    echo "ok First.Test (12 schedules)"
    echo "1 of 1 tests passed"
    end
    exit 0
    ;;
  *BROKEN*)
    echo "ERROR: /clone/exercises/$name/BUILD:3:9: Compiling failed: (Exit 1): gcc failed"
    echo
    echo "Use --sandbox_debug to see verbose messages"
    echo "In file included from exercises/$name/test.cc:9:"
    echo "./exercises/$name/code.h: In function 'main':"
    echo "./exercises/$name/code.h:7:3: error: the first error"
    echo "    7 |   first"
    echo "./exercises/$name/code.h:9:3: error: the second error"
    echo "ERROR: Build did NOT complete successfully"
    exit 1
    ;;
  *BAZEL*)
    echo "ERROR: no such package" >&2
    exit 7
    ;;
  *BLOCK*) read line <gate ;;
esac
echo "FAIL: $target (see /tmp/test.log)" >&2
begin
case $code in
  *STAGE*)
    echo "STAGE 1: the channel"
    echo "STAGE 2: the worker"
    ;;
esac
echo "FAILED First.Test (exercises/$name/test.cc:25)"
echo "Schedule 19 breaks it (LAB_REPLAY=0.1.0.0.1):"
case $code in
  *LONG*)
    i=0
    while [ $i -lt 60 ]; do
      i=$((i + 1))
      echo "  main  step $i"
    done
    ;;
esac
echo "  deadlock of $name: $code"
echo "LESSON[$name]: the worker sleeps forever, and the shutdown waits with it, because of $name."
end
echo "Executed 1 out of 1 test: 1 fails locally."
exit 3
)sh";

// Plays `git checkout -- exercises/NN_name`.
constexpr const char* kGit = R"sh(
[ "$1 $2" = "checkout --" ] || exit 1
cp "$3/starter" "$3/code.h.new" && mv "$3/code.h.new" "$3/code.h"
)sh";

}  // namespace

FakeClone::FakeClone() {
  std::string name = ::testing::TempDir() + "/clone.XXXXXX";
  if (mkdtemp(name.data()) == nullptr)
    throw std::system_error(errno, std::generic_category(), "mkdtemp");
  path_ = name;
  write("exercises/README.md", kTable);
  for (const char* exercise : {"01_first", "02_second", "03_third"}) add_exercise(exercise);
  const std::string program = fs::absolute("exercises/learn/learn").string();
  add_program("bazelw", "learn='" + program + "'" + kBazelw);
  add_program("bin/git", kGit);
  if (fs::exists("learn")) fs::copy_file("learn", path_ / "learn");
  mkfifo(gate().c_str(), 0600);
  const char* const path = std::getenv("PATH");
  setenv("PATH",
         ((path_ / "bin").string() + ":" + (path == nullptr ? "/usr/bin:/bin" : path)).c_str(), 1);
}

FakeClone::~FakeClone() {
  std::error_code error;
  fs::remove_all(path_, error);
}

void FakeClone::save(const std::string& exercise, const std::string& content) const {
  write(file(exercise), content);
}

void FakeClone::replace(const std::string& exercise, const std::string& content) const {
  const fs::path next = file(exercise).string() + ".new";
  write(next, content);
  fs::rename(next, file(exercise));
}

void FakeClone::write(const fs::path& file, const std::string& content) const {
  fs::create_directories((path_ / file).parent_path());
  std::ofstream(path_ / file) << content << "\n";
}

void FakeClone::write_table(const std::vector<std::pair<std::string, std::string>>& rows) const {
  std::string table;
  for (const auto& [name, step] : rows)
    table += "| [" + name + "](" + name + "/README.md) | " + step + " | its bug | 10 | x |\n";
  write("exercises/README.md", table);
}

fs::path FakeClone::file(const std::string& exercise) const {
  return path_ / "exercises" / exercise / "code.h";
}

void FakeClone::add_exercise(const std::string& name) const {
  const fs::path folder = fs::path("exercises") / name;
  write(folder / "BUILD", "exercise(\n    name = \"" + name + "\",\n    file = \"code.h\",\n)");
  write(folder / "README.md", kPage);
  write(folder / "solution/README.md",
        "# Why this works\n\nThe lock orders\nthem.\n\nCard: [WP-03](../cards.md#wp-03)");
  write(folder / "code.h", "starter");
  write(folder / "starter", "starter");
}

void FakeClone::add_program(const fs::path& file, const std::string& script) const {
  write(file, "#!/bin/sh\n" + script);
  fs::permissions(path_ / file, fs::perms::owner_all);
}

}  // namespace worker_pool
