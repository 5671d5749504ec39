"""What needs POSIX says so, and then `bazel test //...` skips it on Windows."""

# For `target_compatible_with`. Bazel also skips every target that depends on such a target, so a
# test that uses //testing:run_program or //testing:child_process need not say it again.
POSIX_ONLY = select({
    "@platforms//os:windows": ["@platforms//:incompatible"],
    "//conditions:default": [],
})
