"""The one way to declare a test in this course."""

load("@rules_cc//cc:cc_test.bzl", "cc_test")

def course_test(name, deps = [], **kwargs):
    """Declares a small cc_test of NAME.cc that uses GoogleTest and //testing.

    Args:
      name: the test's name, which is also the name of its file.
      deps: what is tested.
      **kwargs: everything else that cc_test takes, such as `data`, `env` and `tags`.
    """
    cc_test(
        name = name,
        size = "small",
        srcs = kwargs.pop("srcs", [name + ".cc"]),
        deps = deps + [
            "//testing",
            "@googletest//:gtest_main",
        ],
        **kwargs
    )
