"""How to compile code so that the lab sees its data races and its atomics."""

# For the `copts` of a test that depends on //testing/lab. The compiler calls ThreadSanitizer's
# functions, which the lab defines, so `linkopts` must not have this option. With the line numbers,
# the lab can name the places of a race. GCC warns (-Wtsan) that ThreadSanitizer knows no fences,
# but the lab does; Clang has no such warning.
HOOKS = select({
    "//testing/lab/engine:without_hooks": [],
    "@platforms//os:linux": [
        "-fsanitize=thread",
        "-g1",
        "-Wno-unknown-warning-option",
        "-Wno-tsan",
    ],
    "//conditions:default": [],
})

# For the `target_compatible_with` of a test that makes no sense without the hooks.
HOOKS_ONLY = select({
    "//testing/lab/engine:without_hooks": ["@platforms//:incompatible"],
    "@platforms//os:linux": [],
    "//conditions:default": ["@platforms//:incompatible"],
})
