"""Turns `bazel aquery --output=jsonproto` into a compile_commands.json: see ./compile_commands.

    compile_commands.py WORKSPACE OUTPUT_BASE <actions.json >compile_commands.json
"""

import json
import sys

# Bazel passes it to GCC; to clang it is an error.
UNKNOWN_TO_CLANG = "-fno-canonical-system-headers"


def adapted(arguments, output_base):
    """The arguments of one compilation, as clang takes them in the workspace's folder."""
    # Bazel compiles in a folder of its own, which has other people's code under external/.
    return [
        f"{output_base}/{argument}" if argument.startswith("external/") else argument
        for argument in arguments
        if argument != UNKNOWN_TO_CLANG
    ]


def file_of(label, arguments):
    if "-c" not in arguments[:-1]:
        sys.exit(f"compile_commands: {label} is compiled without -c FILE, by which GCC and Clang"
                 " are told what to compile; other compilers are not known here")
    return arguments[arguments.index("-c") + 1]


def entries(actions, workspace, output_base):
    labels = {target["id"]: target["label"] for target in actions["targets"]}
    # A file that several targets compile gets the arguments of the shortest label: the test of an
    # exercise is read with the file that is to be mended, and not with a wrong fix.
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
        sys.exit("compile_commands: Bazel compiles nothing here, so there is nothing to write")
    found = entries(actions, workspace, output_base)
    json.dump(found, sys.stdout, indent=1)
    print(f"compile_commands.json: {len(found)} files", file=sys.stderr)


if __name__ == "__main__":
    main()
