# The checks of .ci/run that compile with other flags or other tools, after those in checks.sh.
#
# shellcheck shell=bash disable=SC2154  # what is not set here is set in .ci/run or checks.sh

# --- With other flags ----------------------------------------------------------------------------

# Bazel resolves everything; one step shows that it also builds and runs.
declare_check_in_turn 0 workspace "WORKSPACE works in place of MODULE.bazel"
check_workspace() {
  bazel build --config=workspace --nobuild //... &&
    bazel test --config=workspace //step1_job/...
}

# A test tagged one_thread has no second thread to race with. The exercises' solutions are in
# tsan_verdicts.
declare_check_in_turn 3 tsan "a sixth of the tests pass under ThreadSanitizer"
check_tsan() {
  local all="tests(//...)" packages
  all+=" except attr(tags, one_thread, $all) except //exercises/..."
  mapfile -t packages < <(packages_of "$all" bazel)
  ((${#packages[@]} > 0)) && mapfile -t packages < <(part 6 "$rounds" "${packages[@]}") &&
    bazel test --config=tsan --build_tests_only --test_tag_filters=-one_thread "${packages[@]}"
}

# Without the wrong fixes, which take five minutes more. A failed schedule leaves threads behind,
# and ThreadSanitizer would wait a second for them.
declare_check_in_turn 0 tsan_verdicts \
  "a sixth of the starters and solutions get their verdicts twice under ThreadSanitizer"
check_tsan_verdicts() {
  local exercises=(exercises/[0-9]*) targets
  mapfile -t targets < <(part 6 "$rounds" "${exercises[@]}")
  targets=("${targets[@]/#/\/\/}")
  bazel test --config=tsan --test_env=TSAN_OPTIONS=atexit_sleep_ms=0 --build_tests_only \
    --test_tag_filters=-wrong_fix --test_arg=--runs=2 "${targets[@]/%/:verdicts}"
}

# With Clang and libc++, so that these need no checks of their own.
declare_check_in_turn 1 asan \
  "a sixth of the tests pass with Clang, libc++, AddressSanitizer and UBSan"
check_asan() {
  local packages
  mapfile -t packages < <(packages_of "tests(//...)" with_tools ./bazelw)
  ((${#packages[@]} > 0)) && mapfile -t packages < <(part 6 "$rounds" "${packages[@]}") &&
    with_tools ./bazelw test --config=asan --config=libcxx -- \
      "${packages[@]}" -//tools/check_documents:documents_test
}

# --- With other tools ----------------------------------------------------------------------------

# Libraries and programs; the tests have been compiled by then.
builds_with() {
  local targets
  mapfile -t targets < <(with_tools ./bazelw query 'kind("cc_(library|binary) rule", //...)')
  ((${#targets[@]} > 0)) && with_tools ./bazelw build "$@" "${targets[@]}"
}

declare_check_in_turn 2 gcc12 "GCC 12 compiles libraries and programs without a warning; tests run"
check_gcc12() {
  builds_with --repo_env=CC=gcc-12 &&
    with_tools ./bazelw test --repo_env=CC=gcc-12 //step1_job/... //exercises/02_bare_wait/...
}

# Debian's newest, and with GCC's library. The check asan has its default Clang, and libc++.
declare_check_in_turn 5 clang22 "Clang 22 compiles the full pattern without a warning"
check_clang22() { with_peers ./bazelw build --config=clang --repo_env=CC=clang-22 //full_pattern; }

# Once for each of more than 400 versions of the exercises: half an hour.
declare_check_if_named clang_verdicts "the exercises' verdicts are the same with Clang"
check_clang_verdicts() { with_tools tools/check_exercises 1 --config=clang; }

# In a private root of its own: Chromium is as large as all other tools together.
declare_check_if_named play "the page docs/play works in a browser, and no path breaks a solution"
check_play() {
  npm_install playwright-core@1.65.1 || return
  BAZELW_EXTRA_PACKAGES="chromium nodejs" at_home env NODE_MODULES="$scratch/npm/node_modules" \
    tools/private_root/run docs/play/check_page
}

# idle_cycles_test and the explorer take too long in an emulator. In a private root of its own.
declare_check_if_named arm64 "tests of the steps and of the fast channel pass on an emulated arm64"
check_arm64() {
  BAZELW_EXTRA_PACKAGES="clang g++-aarch64-linux-gnu qemu-user" at_home ./bazelw test \
    --config=arm64 --build_tests_only -- \
    //step1_job/... //step2_worker/... //step3_dispatcher/... //step4_shutdown/... \
    //full_pattern/fast_channel/... -//full_pattern/fast_channel:fast_queue_schedules_test \
    -//step3_dispatcher:idle_cycles_test
}

# Their C++ twins are tested against the same texts.
declare_check_in_turn 5 go_twins "the Go programs print what their C++ twins print"
check_go_twins() { in_peers_root docs/twins/check_go_twins; }

declare_check_in_turn 6 benchmarks "the benchmarks build"
check_benchmarks() { (cd benchmarks && with_peers ../bazelw build -c opt //...); }

# No program is missing and none loses a job. How fast they are does not matter here.
declare_check_in_turn 7 benchmark_run "every benchmark program runs"
check_benchmark_run() {
  local out
  out=$(in_peers_root benchmarks/compare --quick --csv "$scratch/benchmarks.csv") &&
    printf '%s\n' "$out" && ! grep '^missing: ' <<<"$out"
}

# With a real server, which each test starts for itself.
declare_check_in_turn 4 broker "no job is lost when consumers and their broker are killed"
check_broker() { (cd beyond_one_machine && with_tools ../bazelw test -c opt //...); }
