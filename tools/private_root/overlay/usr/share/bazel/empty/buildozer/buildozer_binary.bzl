"""What Bazel's own MODULE.bazel loads from buildozer, doing nothing."""

buildozer_binary = module_extension(implementation = lambda ctx: None)
