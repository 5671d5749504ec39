# The checks of .ci/run, in the order in which they run: a name, what is checked, and the function
# that checks it. Those in other_builds.sh follow them. Checks that compile with the same flags
# stand together, because each change of flags compiles everything again.
#
# shellcheck shell=bash disable=SC2154  # what is not set here is set in .ci/run

# --- What the checks share -----------------------------------------------------------------------

# In a run of all checks, the home folder of every command is an empty one, with a name that is not
# ASCII.
at_home() {
  if $from_nothing; then
    env --unset=XDG_CACHE_HOME HOME="$scratch/hömē" "$@"
  else
    "$@"
  fi
}

bazel() { at_home ./bazelw "$@"; }

in_root() { at_home tools/private_root/run "$@"; }

# Whether this run needs what only the check NAME uses. A check that needs another package has to be
# named here. Named checks share one private root: a contributor does not get one for each set of
# names.
needs() { ! $from_nothing || [[ " ${chosen[*]} " == *" $1 "* ]]; }

# The formatter, the other compilers and the broker are in a second private root.
tools() {
  local packages="clang-format shellcheck curl wget mount"
  if needs asan; then packages+=" clang libclang-rt-dev libc++-dev libc++abi-dev"; fi
  if needs gcc12; then packages+=" g++-12"; fi
  if needs broker; then packages+=" libnats-dev nats-server"; fi
  echo "$packages"
}
with_tools() { BAZELW_EXTRA_PACKAGES=$(tools) at_home "$@"; }
in_tools_root() { with_tools tools/private_root/run "$@"; }

# Go, the other thread pools and the newest Clang are in a third one, because few runs need them.
peers() {
  local packages="golang-go golang-golang-x-sync-dev"
  if needs clang22; then packages+=" clang-22"; fi
  if needs benchmarks || needs benchmark_run; then
    packages+=" libtbb-dev libboost-dev libtaskflow-cpp-dev libbs-thread-pool-dev"
    packages+=" libconcurrentqueue-dev libmimalloc-dev libbenchmark-dev gnuplot-nox"
  fi
  echo "$packages"
}
with_peers() { BAZELW_EXTRA_PACKAGES=$(peers) at_home "$@"; }
in_peers_root() { with_peers tools/private_root/run "$@"; }

# part N COUNT ITEM...: prints, one to a line, each N-th item, and others for the next COUNT, which
# is $commits, or $rounds in a check that runs in turn. If a check is named, prints all.
part() {
  local n=$1
  if ! $from_nothing; then n=1; fi
  printf '%s\n' "${@:3}" | awk -v n="$n" -v count="$2" 'NR % n == count % n'
}

# packages_of TESTS COMMAND...: all targets of each package that has any of these tests. COMMAND
# runs Bazel.
packages_of() { "${@:2}" query --output=package "$1" | sed 's|.*|//&:all|'; }

# expect_equal EXPECTED ACTUAL: shows how two texts differ.
expect_equal() { diff <(printf '%s\n' "$1") <(printf '%s\n' "$2"); }

# shown_after COMMAND PAGE: the first block of output below the line COMMAND of the page. Fails if
# there is none, or it is empty.
shown_after() {
  awk -v command="$1" '
    $0 == command { below = 1 }
    below && $0 == "```text" { inside = 1; next }
    inside && $0 == "```" { exit }
    inside { print; shown = 1 }
    END { exit !shown }' "$2"
}

# npm_install PACKAGE...: installs them in $scratch/npm, and npm itself where it is missing.
npm_install() {
  if ! command -v npm >/dev/null; then
    apt-get -qq update || true # if this matters, the installation fails
    apt-get -qq install -y --no-install-recommends -o DPkg::Lock::Timeout=120 npm || return
  fi
  npm install --loglevel=error --no-fund --no-audit --prefix "$scratch/npm" "$@"
}

# --- Without Bazel, beside what follows -----------------------------------------------------------

# First, because the second private root is built here. That takes minutes in which a processor
# would have nothing to do, since the first one is built at the same time.
declare_check_beside format "clang-format would change no C++ file"
check_format() {
  local files
  mapfile -t files < <(git ls-files '*.h' '*.cc')
  ((${#files[@]} > 0)) && in_tools_root clang-format --dry-run -Werror "${files[@]}"
}

declare_check_beside buildifier "buildifier would change no BUILD file and warns of nothing"
check_buildifier() {
  local files
  npm_install @bazel/buildifier@8.2.1 || return
  mapfile -t files < <(git ls-files 'BUILD' '*/BUILD' '*.bzl' '*.bazel' WORKSPACE)
  ((${#files[@]} > 0)) &&
    "$scratch/npm/node_modules/.bin/buildifier" -mode=check -lint=warn "${files[@]}"
}

scripts() { git ls-files -z | xargs -0 awk '/^#!.*sh$/ { print FILENAME } { nextfile }'; }

declare_check_beside shellcheck "shellcheck warns of nothing"
check_shellcheck() {
  local found
  mapfile -t found < <(scripts)
  in_tools_root shellcheck --external-sources --check-sourced "${found[@]}"
}

declare_check_beside cdpath "each script that goes to its own folder ignores an exported CDPATH"
check_cdpath() {
  expect_equal "" "$(scripts | xargs grep -l 'cd .*dirname' | xargs grep -L '^unset CDPATH')"
}

declare_check_beside bazelw "bazelw fetches only the right Bazelisk, whatever the site sends"
check_bazelw() { in_tools_root tools/check_bazelw; }

declare_check_beside scaling "the simulation prints what its page shows"
check_scaling() {
  local shown printed
  shown=$(shown_after benchmarks/simulate_scaling benchmarks/scaling.md) &&
    printed=$(in_root benchmarks/simulate_scaling) && expect_equal "$shown" "$printed"
}

# --- What a newcomer does ------------------------------------------------------------------------

declare_check readme "the front page begins with two commands"
check_readme() {
  expect_equal $'./bazelw run //full_pattern\n./bazelw test //...' \
    "$(awk '/^```sh/ { inside = 1; next } /^```/ { if (inside) exit } inside' README.md)"
}

run_full_pattern() {
  local out
  out=$(bazel run //full_pattern) && printf '%s\n' "$out" &&
    [[ ${out##*$'\n'} == "Shutdown complete" ]]
}

declare_check run "./bazelw run //full_pattern"
check_run() { run_full_pattern; }

declare_check run_again "the second run takes at most 10 s"
check_run_again() {
  local start
  run_full_pattern || return # by itself, this check may have to build the program
  start=$SECONDS
  run_full_pattern && ((SECONDS - start <= 10))
}

# --- With the flags of //... ---------------------------------------------------------------------

# Without cached results, which count as tests that were not executed.
declare_check test "./bazelw test //...: every test passes"
check_test() {
  local out
  out=$(bazel test --cache_test_results=no //... 2>&1)
  printf '%s\n' "$out"
  grep -qxE 'Executed ([0-9]+) out of \1 tests: \1 tests pass\.' <<<"$out"
}

# Those in which threads run as the machine happens to schedule them. idle_cycles_test repeats its
# cycle thousands of times already.
declare_check_in_turn 0 repeat "every test whose threads run freely passes two more times"
check_repeat() {
  bazel test --runs_per_test=2 --runs_per_test=//step3_dispatcher:idle_cycles_test@1 \
    --test_tag_filters=-one_thread -- \
    //... -//exercises/... -//full_pattern/every_schedule/... -//tools/...
}

declare_check demos "each demo prints what its README shows"
check_demos() {
  local step shown printed
  for step in step*_*/ full_pattern/ full_pattern/results/; do
    step=${step%/}
    shown=$(shown_after "./bazelw run //$step:demo" "$step/README.md") &&
      printed=$(bazel run "//$step:demo") && expect_equal "$shown" "$printed" || return
  done
}

# With two preemptions instead of one.
declare_check_in_turn 2 every_schedule \
  "no schedule with two preemptions breaks a twelfth of the shipped code"
check_every_schedule() {
  local test=//full_pattern/every_schedule:every_schedule_test names
  mapfile -t names < <(bazel run --test_sharding_strategy=disabled "$test" -- --gtest_list_tests |
    awk '/^[^ ]+[.]$/ { suite = $1 } /^  / { print suite $1 }')
  ((${#names[@]} > 0)) && mapfile -t names < <(part 12 "$rounds" "${names[@]}") &&
    bazel test --test_env=LAB_PREEMPTIONS=2 --test_timeout=900 \
      --test_filter="$(IFS=:; echo "${names[*]}")" "$test"
}

declare_check seeds "the bugs that are put into the shipped code still fit it"
check_seeds() {
  local sources
  mapfile -t sources < <(bazel query 'filter("_sources$", //full_pattern/every_schedule:all)')
  ((${#sources[@]} > 0)) && bazel build "${sources[@]}"
}

declare_check_in_turn 5 seeded_bugs "the explorer finds a twelfth of these bugs"
check_seeded_bugs() {
  local bugs
  mapfile -t bugs < <(bazel query 'tests(//full_pattern/every_schedule:seeded_bugs)')
  ((${#bugs[@]} > 0)) && mapfile -t bugs < <(part 12 "$rounds" "${bugs[@]}") &&
    bazel test "${bugs[@]}"
}

# With benchmarks/ and beyond_one_machine/, which //... does not contain.
declare_check documents "documents_test passes on the whole work tree"
check_documents() {
  bazel test --test_env=COURSE_ROOT="$PWD" --strategy=TestRunner=local --cache_test_results=no \
    //tools/check_documents:documents_test
}

declare_check break_it \
  "a third of the Break it sections fail as shown, and pass without the change"
check_break_it() {
  local pages
  mapfile -t pages < <(tools/check_break_it --list)
  ((${#pages[@]} > 0)) && mapfile -t pages < <(part 3 "$commits" "${pages[@]}") &&
    at_home tools/check_break_it "${pages[@]}"
}

# Bazel's status 3: everything was built, and tests failed.
declare_check board "every exercise is red on a fresh clone"
check_board() {
  local status=0 exercises red
  bazel test --test_output=summary //exercises >"$scratch/board" || status=$?
  cat "$scratch/board"
  exercises=$(find exercises -maxdepth 1 -name '[0-9]*' | wc -l)
  red=$(grep -c '^//exercises/.*:test  *FAILED' "$scratch/board")
  echo "$exercises folders, $red red lines, status $status"
  ((exercises > 0 && red == exercises && status == 3))
}

# The copy has a name that is not ASCII, and the first four exercises only.
declare_check one_broken "an exercise that does not compile costs only its own line of the board"
check_one_broken() {
  local status=0 red broken copy=$scratch/cöpy
  mkdir "$copy" && git ls-files -z | xargs -0 cp --no-dereference --parents -t "$copy" &&
    echo 'this is no C++' >>"$copy/exercises/03_lost_stop/worker.h" &&
    sed -E -i '/^    "(0[5-9]|[1-9][0-9])_[a-z_]+",$/d' "$copy/exercises/BUILD" || return
  (
    cd "$copy" || exit
    bazel test --test_output=summary //exercises || status=$?
    bazel clean --expunge || exit
    exit "$status"
  ) >"$scratch/board" || status=$?
  cat "$scratch/board"
  red=$(grep -c '^//exercises/.*:test  *FAILED in' "$scratch/board")
  broken=$(grep -c '^//exercises/03_lost_stop:test  *FAILED TO BUILD$' "$scratch/board")
  echo "$red red lines, $broken of what does not compile, status $status"
  ((red == 3 && broken == 1 && status == 1))
}

# With two starters. Its own tests have exercises that are green.
declare_check learn "./learn verify and list see that exercises are red"
check_learn() {
  [[ -e .learn ]] || leftovers+=(.learn) # otherwise, it is the contributor's own progress
  {
    at_home ./learn verify 03 04
    echo "status $?"
    at_home ./learn list
    echo "status $?"
  } >"$scratch/learned"
  cat "$scratch/learned"
  diff - <(awk '/^(status |0[34]_)/ || $1 == "solved" { print $1, $2 }' "$scratch/learned") <<'END'
03_lost_stop red
04_escaped_throw red
status 1
status 0
END
}

declare_check story "the exercises' README shows a real failure"
check_story() {
  local shown
  shown=$(shown_after "./bazelw test //exercises/03_lost_stop:test" exercises/README.md) || return
  bazel test --test_output=all //exercises/03_lost_stop:test >"$scratch/story"
  expect_equal "$shown" "$(sed -n '/^Schedule /,/^LESSON/ { /^LESSON/d; p }' "$scratch/story")"
}

declare_check play_data "docs/play shows the schedules that the exercises have now"
check_play_data() { at_home docs/play/make_data --check; }

# Once, because tsan_verdicts shows that a verdict is the same in each run.
declare_check verdicts \
  "starter, solution and wrong fixes of one exercise get their verdicts"
check_verdicts() {
  local names=(exercises/[0-9]*)
  EXERCISES=$(part "${#names[@]}" "$commits" "${names[@]#exercises/}") \
    at_home tools/check_exercises 1
}

declare_check template "the template, copied as CONTRIBUTING.md says, is an exercise"
check_template() {
  local copy=exercises/99_template
  leftovers+=("$copy")
  cp -r exercises/template "$copy" && mv "$copy/BUILD.template" "$copy/BUILD" &&
    perl -pi -e 's/NN_name/99_template/g' "$copy"/{BUILD,README.md,test.cc} &&
    bazel test "//$copy:verdicts"
}

# One file is larger than the memory that the program may use. None is from /usr or /etc: in the
# private root, these folders are not the ones that cksum reads out here.
declare_check checksum "//full_pattern:checksum prints what cksum prints"
check_checksum() {
  local files
  mapfile -t files < <(git ls-files; find /var/lib/dpkg/info -type f | head -n 300)
  truncate -s 2G "$scratch/two_gib"
  files+=("$scratch/two_gib")
  cksum "${files[@]}" >"$scratch/expected" || return
  bazel run --run_under="prlimit --as=$((512 * 1024 * 1024))" //full_pattern:checksum -- \
    "${files[@]}" >"$scratch/actual" || return
  diff "$scratch/expected" "$scratch/actual"
}

# promtool prints nothing if the text is right. Installing Debian's package would start a service,
# so promtool is unpacked from it.
declare_check prometheus "promtool accepts the Prometheus text"
check_prometheus() {
  apt-get -qq update || true # if this matters, the download fails
  (cd "$scratch" && apt-get -qq download prometheus) &&
    dpkg -x "$scratch"/prometheus_*.deb "$scratch/prometheus" || return
  bazel run //full_pattern -- --metrics="$scratch/metrics" || return
  grep -qxF 'worker_pool_jobs_finished_total{result="succeeded"} 5' "$scratch/metrics" || return
  local promtool=$scratch/prometheus/usr/bin/promtool
  expect_equal "" \
    "$("$promtool" check metrics <"$scratch/metrics" 2>&1 || echo "promtool: status $?")"
}

# Writes $scratch/trace.json, once for all checks that read it.
write_trace() {
  [[ -e $scratch/trace.json ]] ||
    bazel run //full_pattern -- --workers=2 --trace="$scratch/trace.json"
}

# The tests skip this where Python is missing; the private root has Python.
declare_check trace "Python reads the trace of a run"
check_trace() {
  write_trace || return
  expect_equal "2 lanes, 5 bars, stages: close" \
    "$(in_root python3 full_pattern/reports/check_trace.py "$scratch/trace.json")"
}

declare_check picture "the picture of a run is drawn from its trace"
check_picture() {
  write_trace || return
  diff docs/run.svg <(in_root tools/trace_to_svg docs/run.json) &&
    in_root tools/trace_to_svg "$scratch/trace.json" | grep -F '2 workers, 5 jobs: 5 succeeded' &&
    expect_unwritten '>/dev/full' "No space left on device" &&
    expect_unwritten '>&-' "Bad file descriptor"
}

# expect_unwritten REDIRECTION CAUSE: a picture that cannot be written is an error in one line.
expect_unwritten() {
  expect_equal "trace_to_svg: cannot write to standard output: $2"$'\nstatus 1' \
    "$(in_root bash -c "tools/trace_to_svg docs/run.json 2>&1 $1; echo status \$?")"
}

# In a file of its own, so that the contributor's file stays as it is.
declare_check compile_commands "compile_commands.json is written, and the folders in it exist"
check_compile_commands() {
  local file=$scratch/compile_commands.json
  in_root tools/compile_commands "$file" && in_root python3 - "$file" <<'END'
import json, os, sys

with open(sys.argv[1]) as file:
    entries = json.load(file)
paths = {word for entry in entries for word in entry["arguments"] if word.startswith("/")}
missing = [path for path in sorted(paths) if not os.path.exists(path)]
print(f"{len(paths)} paths, missing: {missing}")
googletest = any(path.endswith("/googletest/include") for path in paths)
worker = any(entry["file"] == "step2_worker/worker.cc" for entry in entries)
sys.exit(not (worker and googletest and not missing))
END
}
