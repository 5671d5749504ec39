"""An empty stand-in for the extension that Bazel's own MODULE.bazel loads from buildozer."""

buildozer_binary = module_extension(implementation = lambda ctx: None)
