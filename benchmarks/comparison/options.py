"""The command line."""

import argparse
import shutil

from comparison.contestants import GROUPS, PROGRAMS, ROW_SYNTAX, parse_row


def parse_options():
    names = ", ".join(program.name for program in PROGRAMS)
    parser = argparse.ArgumentParser(
        description="Measures the course's pools beside other people's.", allow_abbrev=False)
    parser.add_argument("--rows", nargs="+", metavar="ROW",
                        help=ROW_SYNTAX.replace("\n", " ") + ", ".join(GROUPS) +
                        " (default: targets)")
    parser.add_argument("--programs", nargs="+", metavar="NAME",
                        help=f"some of: {names} (default: all)")
    parser.add_argument("--repetitions", type=int, metavar="N",
                        help="rounds of each row, 1 to 1000 (default: 7)")
    parser.add_argument("--seconds", type=float, metavar="S",
                        help="how long a run should take, 0.01 to 60 (default: 0.3)")
    parser.add_argument("--quick", action="store_true",
                        help="other defaults: one round of 0.05 s of the group quick. It shows "
                        "that every program builds, runs and loses no job, but nothing about speed")
    parser.add_argument("--csv", metavar="FILE", help="write every single measurement to FILE")
    parser.add_argument("--plot", metavar="FILE.svg",
                        help="also measures the group plot and draws it with gnuplot")
    options = parser.parse_args()

    defaults = (["quick"], 1, 0.05) if options.quick else (["targets"], 7, 0.3)
    for name, value in zip(("rows", "repetitions", "seconds"), defaults):
        if getattr(options, name) is None:
            setattr(options, name, value)
    if not 1 <= options.repetitions <= 1000:
        parser.error(f"--repetitions {options.repetitions}: allowed are 1 to 1000")
    if not 0.01 <= options.seconds <= 60:
        parser.error(f"--seconds {options.seconds:g}: allowed are 0.01 to 60")
    if options.plot:
        if not options.plot.endswith(".svg"):
            parser.error(f"--plot {options.plot}: the name must end with .svg")
        if not shutil.which("gnuplot"):
            parser.error("--plot: there is no gnuplot here; Debian's package is gnuplot-nox")
        options.rows = options.rows + ["plot"]

    wanted = dict.fromkeys(row for name in options.rows for row in GROUPS.get(name, (name,)))
    for name in wanted:
        if not parse_row(name):
            parser.error(f"--rows {name}: {ROW_SYNTAX}" + ", ".join(GROUPS))
    options.rows = [parse_row(name) for name in wanted]
    for name in options.programs or ():
        if name not in [program.name for program in PROGRAMS]:
            parser.error(f"--programs {name}: allowed are {names}")
    for file in filter(None, (options.csv, options.plot)):
        try:
            open(file, "a", encoding="utf-8").close()
        except OSError as error:
            parser.error(f"cannot write {file}: {error.strerror}")
    return options
