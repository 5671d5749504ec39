"""Converts `bazel aquery --output=jsonproto` to compile_commands.json, for ./compile_commands.

    compile_commands.py WORKSPACE OUTPUT_BASE <actions.json >compile_commands.json
"""

import json
import sys

# Bazel passes this flag to GCC; Clang rejects it.
UNKNOWN_TO_CLANG = "-fno-canonical-system-headers"


def adapted(arguments, output_base):
    """Returns the arguments of one compilation for a clang that runs in the workspace."""
    # Bazel compiles in its own folder, where external/ holds the other repositories.
    return [
        f"{output_base}/{argument}" if argument.startswith("external/") else argument
        for argument in arguments
        if argument != UNKNOWN_TO_CLANG
    ]


def file_of(label, arguments):
    if "-c" not in arguments[:-1]:
        sys.exit(f"compile_commands: the command that compiles {label} has no -c FILE; only the"
                 " command lines of GCC and Clang are supported")
    return arguments[arguments.index("-c") + 1]


def entries(actions, workspace, output_base):
    labels = {target["id"]: target["label"] for target in actions["targets"]}
    # If several targets compile a file, the shortest label wins: an exercise's test then includes
    # the learner's file and not a wrong fix.
    by_file = {}
    for action in sorted(actions["actions"], key=lambda action: len(labels[action["targetId"]])):
        arguments = adapted(action["arguments"], output_base)
        file = file_of(labels[action["targetId"]], arguments)
        by_file.setdefault(file, {"directory": workspace, "file": file, "arguments": arguments})
    return [by_file[file] for file in sorted(by_file)]


def main():
    workspace, output_base = sys.argv[1:]
    actions = json.load(sys.stdin)
    if not actions.get("actions"):
        sys.exit("compile_commands: Bazel compiles no C++ file here, so there is nothing to write")
    found = entries(actions, workspace, output_base)
    json.dump(found, sys.stdout, indent=1)
    print(f"compile_commands.json: {len(found)} files", file=sys.stderr)


if __name__ == "__main__":
    main()
