"""The targets of one exercise, the same for all."""

load("@rules_cc//cc:cc_test.bzl", "cc_test")

def exercise(name, file, wrong_fixes):
    """Declares the targets of the exercise in this package.

      :test                  the learner's: red until `file` is mended; part of //exercises
      :solution_test         the same test with solution/`file`; part of //...
      :verdicts              for CI: the pristine starter and each wrong fix are red, each with its
                             lesson, and the solution is green. With --test_arg=--runs=200 each of
                             them is run that often.
      :files                 for //tools/check_documents:documents_test, which reads the pages and what they link.

    Args:
      name: the exercise's folder, which its lesson names too.
      file: the file to mend, which test.cc includes as EXERCISE_FILE.
      wrong_fixes: names of the patches in wrong_fixes/NAME.h that do not help.
    """
    _exercise_test("test", file, manual = True)
    _exercise_test("solution_test", "solution/" + file)
    _verdict_test("starter_guard", "red", name, "starter", ":test")
    _verdict_test("solution_guard", "green", name, "solution", ":solution_test")
    guards = [":starter_guard", ":solution_guard"]
    for fix in wrong_fixes:
        _exercise_test("wrong_fix_" + fix, "wrong_fixes/" + fix + ".h", manual = True)
        _verdict_test(
            "wrong_fix_" + fix + "_test",
            "red",
            name,
            fix,
            ":wrong_fix_" + fix,
            tags = ["wrong_fix"],
        )
        guards.append(":wrong_fix_" + fix + "_test")

    native.filegroup(
        name = "files",
        srcs = native.glob(["**"]),
        visibility = ["//exercises:__pkg__"],
    )

    # Manual suites: `bazel test //...` runs none of it.
    native.test_suite(
        name = "verdicts",
        tags = ["manual"],
        tests = guards,
        visibility = ["//exercises:__pkg__"],
    )

def _exercise_test(name, file, manual = False):
    cc_test(
        name = name,
        size = "small",
        srcs = [
            "test.cc",
            file,
        ],
        local_defines = ['EXERCISE_FILE=\\"%s/%s\\"' % (native.package_name(), file)],
        tags = ["manual"] if manual else [],
        visibility = ["//exercises:__pkg__"],
        deps = ["//exercises/harness:exercise"],
    )

def _verdict_test(name, verdict, exercise, variant, test, tags = []):
    cc_test(
        name = name,
        size = "large",  # CI runs the program 50 times
        args = [
            verdict,
            exercise,
            variant,
            "$(rootpath %s)" % test,
        ],
        data = [test],
        tags = ["manual"] + tags,
        deps = ["//exercises/harness:verdict"],
    )
