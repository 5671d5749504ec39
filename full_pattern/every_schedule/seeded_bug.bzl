"""Tests that put one bug into a copy of the shipped code and demand that the explorer finds it."""

load("@rules_cc//cc:cc_test.bzl", "cc_test")
load("//testing/lab:hooks.bzl", "HOOKS", "HOOKS_ONLY")

_HEADERS = [
    "//full_pattern:worker_pool.h",
    "//full_pattern/every_schedule:every_schedule.h",
    "//full_pattern/fast_channel:brief_lock.h",
    "//full_pattern/fast_channel:fast_channel.h",
    "//full_pattern/fast_channel:fast_queue.h",
    "//full_pattern/fast_channel:side.h",
    "//full_pattern/fast_channel:threads.h",
    "//full_pattern/fast_channel:waiting_room.h",
    "//full_pattern/keyed:keyed_pool.h",
    "//full_pattern/observers:observe_with.h",
    "//full_pattern/results:pending_results.h",
    "//full_pattern/results:result_pool.h",
    "//full_pattern/retry:retrier.h",
    "//full_pattern/retry:retry_policy.h",
    "//full_pattern/retry:retry_queue.h",
    "//step1_job:context.h",
    "//step1_job:job.h",
    "//step1_job:linked_context.h",
    "//step2_worker:bounded_queue.h",
    "//step2_worker:channel.h",
    "//step2_worker:channel_queue.h",
    "//step2_worker:forced_unwind.h",
    "//step2_worker:observer.h",
    "//step2_worker:scoped_count.h",
    "//step2_worker:wait_group.h",
    "//step2_worker:worker.h",
    "//step3_dispatcher:cache_line.h",
    "//step3_dispatcher:dispatcher.h",
    "//step3_dispatcher:running_jobs.h",
    "//step4_shutdown:shutdown.h",
]

_WORKERS = [
    "//step2_worker:worker.cc",
    "//step3_dispatcher:dispatcher.cc",
    "//step3_dispatcher:running_jobs.cc",
    "//step4_shutdown:shutdown.cc",
]

_POOL = _WORKERS + [
    "//full_pattern:worker_pool.cc",
    "//full_pattern/observers:observe_with.cc",
]

# What each file of scenarios needs.
_SOURCES = {
    "channel": [],
    "fast_channel": [],
    "keyed": _POOL + ["//full_pattern/keyed:keyed_pool.cc"],
    "pool": _POOL,
    "result": _POOL,
    "retry": _POOL + [
        "//full_pattern/retry:retrier.cc",
        "//full_pattern/retry:retry_policy.cc",
        "//full_pattern/retry:retry_queue.cc",
    ],
    "shutdown": _WORKERS,
    "wait": [],
}

def seeded_bug(name, file, change, scenarios, test, verdict, preemptions = 1):
    """Declares the test NAME, which passes if one scenario fails because of the bug.

    Args:
      name: of the bug.
      file: the file to change, such as "step2_worker/bounded_queue.h".
      change: a command for `sed -E -z`, which sees the whole file as one line. It must change the file.
      scenarios: the file with the scenario is SCENARIOS_schedules.cc.
      test: the scenario's test, such as "ChannelSchedules.CloseWakesASender". It must exist.
      verdict: a part of the explorer's verdict, from which the bug can be recognized.
      preemptions: how many the explorer needs to find it.
    """
    file_of_test = scenarios + "_schedules.cc"
    sources = _HEADERS + _SOURCES[scenarios] + [file_of_test]
    copies = [_path(label) for label in sources]

    # With a filter that matches no test, GoogleTest succeeds.
    declaration = "TEST(%s)" % test.replace(".", ", ")
    demand_test = "grep -qF '%s' $(location %s) || { echo '%s has no %s' >&2; exit 1; }" % (
        declaration,
        file_of_test,
        file_of_test,
        declaration,
    )

    # The copies include each other: every quoted path within the course begins with their folder.
    code = name + "_copy"
    folder = "%s/%s" % (native.package_name(), code)
    native.genrule(
        name = name + "_sources",
        testonly = True,
        srcs = sources,
        outs = ["%s/%s" % (code, path) for path in copies],
        cmd = demand_test + """
            for source in $(SRCS); do
              copy=$(RULEDIR)/%s/$$source
              sed 's@#include "\\(step\\|full_pattern/\\)@#include "%s/\\1@' $$source > $$copy
            done
            changed=$(RULEDIR)/%s/%s
            cp $$changed $$changed.before
            sed -E -z -i '%s' $$changed
            if cmp -s $$changed $$changed.before; then
              echo "the change of the seeded bug %s no longer fits %s" >&2
              exit 1
            fi
            """ % (code, folder, code, file, change.replace("$", "$$"), name, file),
        tags = ["manual"],
    )
    cc_test(
        name = name,
        size = "small",
        srcs = [name + "_sources"],
        args = ["--gtest_filter=" + test],
        copts = HOOKS + [
            "-O1",
            "-w",  # some bugs are warned of
        ],
        data = [name + "_sources"],
        env = {
            "LAB_PREEMPTIONS": str(preemptions),
            "LAB_VERDICT": verdict,
        },
        linkstatic = True,
        tags = ["manual"],
        target_compatible_with = HOOKS_ONLY,
        deps = [
            "//testing/lab",
            "//testing/lab/engine:std_hooks",
            "@googletest//:gtest_main",
        ],
    )

def suite_of_seeded_bugs(name):
    """Declares the suite of all seeded bugs above it in the BUILD file.

    Args:
      name: of the suite.
    """
    bugs = [
        rule["name"]
        for rule in native.existing_rules().values()
        if rule["kind"] == "cc_test" and "manual" in rule["tags"]
    ]
    if not bugs:
        fail("no seeded bug is above the suite")  # a suite of none would be one of all tests
    native.test_suite(
        name = name,
        tags = ["manual"],
        tests = bugs,
    )

def _path(label):
    if not label.startswith("//"):
        return "full_pattern/every_schedule/" + label
    return label.removeprefix("//").replace(":", "/")
