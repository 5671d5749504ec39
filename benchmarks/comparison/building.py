"""Builds the programs that can be built on this machine."""

import os
import pathlib
import shutil
import subprocess
import sys

from comparison.contestants import PROGRAMS
from comparison.messages import die, say

BENCHMARKS = pathlib.Path(__file__).resolve().parent.parent


def library(name):
    """The path of a shared library, or None."""
    return next(iter(sorted(pathlib.Path("/usr/lib").glob(f"*-linux-gnu/{name}"))), None)


def is_installed(program):
    if not program.needs:
        return True
    if program.preload:
        return library(program.needs) is not None
    if not program.needs.endswith((".h", ".hpp")):
        return shutil.which(program.needs) is not None
    return any((pathlib.Path(folder) / program.needs).exists()
               for folder in ("/usr/include", "/usr/local/include"))


def choose(names):
    """Returns the programs that can be built here, and prints the missing ones."""
    chosen = [p for p in PROGRAMS if names is None or p.name in names]
    missing = [p for p in chosen if not is_installed(p)]
    for program in missing:
        print(f"missing: {program.name}. Debian's package is {program.package}; "
              f'add it to BAZELW_EXTRA_PACKAGES')
    chosen = [p for p in chosen if p not in missing]
    if not chosen:
        die("none of the chosen programs can be built here")
    return chosen


def build(programs, scratch):
    """Builds the programs and returns the path of each executable, by the program's name."""
    targets = sorted({p.target for p in programs if p.target != "go"})
    executables = {"go": str(scratch / "go_peer")}
    if targets:
        command = [str(BENCHMARKS.parent / "bazelw"), "build", "-c", "opt", "--noshow_progress",
                   "--ui_event_filters=-info", "--show_result=0", *targets]
        say("building " + " ".join(targets))
        if subprocess.run(command, cwd=BENCHMARKS, stdout=sys.stderr).returncode != 0:
            die("the build failed")
        # The link that the build has just set. `bazel info` prints a folder whose name is not ASCII
        # in another encoding.
        built = str((BENCHMARKS / "bazel-bin").resolve())
        for target in targets:
            executables[target] = built + target.replace("//:", "//").replace("//", "/").replace(
                ":", "/")
    if any(p.target == "go" for p in programs):
        say("building peers/go")
        command = ["go", "build", "-buildvcs=false", "-o", executables["go"], "."]
        # Uses the installed Go and does not download another.
        environment = {**os.environ, "GOTOOLCHAIN": "local", "GOPROXY": "off"}
        if subprocess.run(command, cwd=BENCHMARKS / "peers" / "go", env=environment,
                          stdout=sys.stderr).returncode != 0:
            die("peers/go did not build")
    return {p.name: executables[p.target] for p in programs}
