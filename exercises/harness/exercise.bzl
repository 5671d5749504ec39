"""The targets of one exercise, the same for all of them."""

load("@rules_cc//cc:cc_test.bzl", "cc_test")
load("//testing/lab:hooks.bzl", "HOOKS", "HOOKS_ONLY")

# A variable that a learner forgot to initialize is never zero by chance. Neither is memory from the
# heap (memory_hooks.cc).
_NO_CHANCE = select({
    "@platforms//os:windows": [],
    "//conditions:default": ["-ftrivial-auto-var-init=pattern"],
})

def exercise(
        name,
        file,
        is_data_race = False,
        has_page = False,
        stages = [],
        std_types = False,
        copts = [],
        course = [],
        hooks_only = []):
    """Declares the targets of the exercise in this package.

      :test                  for the learner: red until `file` is fixed; part of //exercises
      :solution_test         the same test with solution/`file`; part of //...
      :verdicts              for CI: the unchanged starter and every wrong_fixes/*.h are red, each
                             with the exercise's LESSON line, and the solution is green. To run each
                             of them 200 times, add --test_arg=--runs=200.
      :files                 all files, for //tools/check_documents:documents_test

    Args:
      name: the exercise's folder, which its LESSON line names too.
      file: the file to fix, which test.cc includes as EXERCISE_FILE.
      is_data_race: whether only the lab's hooks can see the bug. Without them, nothing is red.
      has_page: whether docs/play shows it.
      stages: more files with TESTs, which test.cc includes, in this order.
      std_types: whether the code uses std's own types. Such an exercise exists only where the lab
        has hooks for them.
      copts: more options for the compiler.
      course: file groups of the course's code that the solution includes.
      hooks_only: the wrong fixes that only the lab's hooks can see.
    """
    how = {"stages": stages, "std_types": std_types, "copts": copts}
    page = ["//docs/play:data/%s.js" % name] if has_page else []
    exercise_test("test", file, manual = True, data = page, **how)
    exercise_test("solution_test", "solution/" + file, course = course, **how)
    where = HOOKS_ONLY if is_data_race or std_types else []
    _verdict_test("starter_guard", "red", name, "starter", ":test", where = where)
    _verdict_test(
        "solution_guard",
        "green",
        name,
        "solution",
        ":solution_test",
        where = HOOKS_ONLY if std_types else [],
    )
    guards = [":starter_guard", ":solution_guard"]
    for path in native.glob(["wrong_fixes/*.h"]):
        fix = path.removeprefix("wrong_fixes/").removesuffix(".h")
        exercise_test("wrong_fix_" + fix, path, manual = True, **how)
        _verdict_test(
            "wrong_fix_" + fix + "_test",
            "red",
            name,
            fix,
            ":wrong_fix_" + fix,
            tags = ["wrong_fix"],
            where = HOOKS_ONLY if fix in hooks_only else where,
        )
        guards.append(":wrong_fix_" + fix + "_test")

    native.filegroup(
        name = "files",
        srcs = native.glob(["**"]),
        visibility = ["//exercises:__pkg__"],
    )

    # Manual, like the guards in it: `bazel test //...` runs none of them.
    native.test_suite(
        name = "verdicts",
        tags = ["manual"],
        tests = guards,
        visibility = ["//exercises:__pkg__"],
    )

def exercise_test(
        name,
        file,
        test_file = "test.cc",
        manual = False,
        data = [],
        stages = [],
        std_types = False,
        copts = [],
        course = []):
    """Declares the test of an exercise with one version of the file to fix.

    Args:
      name: the test's name.
      file: the version.
      test_file: includes it as EXERCISE_FILE.
      manual: whether `bazel test //...` leaves it out.
      data: more files that it reads.
      stages: as in exercise().
      std_types: as in exercise().
      copts: as in exercise().
      course: file groups of the course's code that `file` includes. Being the test's own sources,
        they are compiled with hooks, and come first when it is linked.
    """
    folder = native.package_name() + "/"
    tests = ",".join(['\\"%s\\"' % (folder + path) for path in stages or [test_file]])
    cc_test(
        name = name,
        size = "small",
        srcs = [
            test_file,
            file,
            "//exercises/harness:exercise_files.cc",
            "//exercises/harness:exercise_files.h",
        ] + stages + course,
        data = [
            test_file,
            file,
        ] + data + stages + course,
        copts = HOOKS + _NO_CHANCE + copts +
                (["-Og"] if std_types else []),  # fewer steps: std is full of calls
        linkstatic = True,  # a second main() is then an error of the linker
        local_defines = [
            "TEST_FILES=" + tests,
            'EXERCISE_FILE=\\"%s\\"' % (folder + file),
            "_GLIBCXX_ASSERTIONS",  # an index out of range, for example, ends the test
        ],
        tags = ["manual"] if manual else [],
        target_compatible_with = HOOKS_ONLY if std_types else [],
        visibility = ["//exercises:__subpackages__"],
        deps = ["//exercises/harness:exercise"] +
               (["//testing/lab/engine:std_hooks"] if std_types else []),
    )

def _verdict_test(name, verdict, exercise, variant, test, tags = [], where = []):
    cc_test(
        name = name,
        size = "large",  # it runs the program as often as --runs says
        args = [
            verdict,
            exercise,
            variant,
            "$(rootpath %s)" % test,
        ],
        data = [test],
        tags = ["manual"] + tags,
        target_compatible_with = where,
        deps = ["//exercises/harness:verdict"],
    )
