"""The table, the targets, the CSV file and the plot."""

import contextlib
import csv
import os
import shutil
import subprocess
import time

from comparison.contestants import PLOTTED, PROGRAMS, TARGETS
from comparison.measuring import CORES, MAX_FOREIGN_SHARE
from comparison.messages import die
from comparison.statistics_of_rows import best, go_in, median, programs_in, ratio, spread


def number(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def print_table(results):
    line = "{:<17} {:<13} {:>5} {:>8} {:>6}  {:>6} {:>7} {:>10}  {:>8} {:>6}  {:>9}".format
    print(line("row", "program", "limit", "ns/job", "spread", "to Go", "to peer", "to bounded",
               "CPU/job", "of Go", "sleeps"))
    for row, measured in results.items():
        go, peer, bounded = go_in(measured), best(measured), best(measured, bounded_only=True)
        name = row.name
        for p in programs_in(measured):
            speeds = [number(ratio(measured, other, p) if other else None)
                      for other in (go, peer, bounded)]
            part = spread(measured, p)
            print(line(name, p.name, "yes" if p.bounded else "no", number(median(measured, p)),
                       "-" if part is None else f"{part:.0%}", *speeds,
                       number(median(measured, p, "cpu_ns")),
                       number(ratio(measured, p, go, "cpu_ns") if go else None),
                       f"{median(measured, p, 'sleeps'):.4f}"))
            name = ""
    print()


def check_target(target, measured):
    """Returns the measured value and the program compared with, or None if not measured."""
    programs = {p.name: p for p in programs_in(measured)}
    mine = programs.get(target.program)
    other = (best(measured, bounded_only=True) if target.against == "bounded"
             else programs.get(target.against))
    if not mine or not other:
        return None
    if target.what == "CPU":
        return ratio(measured, mine, other, "cpu_ns"), other
    return ratio(measured, other, mine), other


def print_targets(results):
    by_name = {row.name: measured for row, measured in results.items()}
    met = missed = unknown = 0
    print("Targets")
    for target in TARGETS:
        for name in target.rows:
            checked = check_target(target, by_name[name]) if name in by_name else None
            wanted = ("at most" if target.what == "CPU" else "at least") + f" {target.limit:g}"
            if checked is None:
                unknown += 1
                continue
            value, other = checked
            ok = value <= target.limit if target.what == "CPU" else value >= target.limit
            met, missed = met + ok, missed + (not ok)
            print(f"  {'met' if ok else 'NOT MET':<8} {name:<17} {target.program} against "
                  f"{other.name}: {target.what} {value:.2f}, {wanted}")
    print(f"{met} met, {missed} not met, {unknown} not measured in this run")


def write_csv(path, results):
    keys = ("count", "ns", "cpu_ns", "sleeps")
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("row", "round", "program", *keys))
        for row, measured in results.items():
            for i, numbers in enumerate(measured.rounds):
                for name, values in numbers.items():
                    writer.writerow((row.name, i, name, *(values[key] for key in keys)))


# Color and width. Later lines cover earlier ones.
LINES = {
    "moodycamel": ("#555555", 2), "bs": ("#17becf", 2), "taskflow": ("#8c564b", 2),
    "asio": ("#9467bd", 2), "onetbb-tasks": ("#98c379", 2), "onetbb-queue": ("#2ca02c", 2),
    "go": ("#1f77b4", 3), "simple": ("#ff9f40", 4), "fast": ("#d62728", 4),
}


def write_plot(path, results):
    rows = sorted(((row, measured) for row, measured in results.items() if row.name in PLOTTED),
                  key=lambda entry: entry[0].us)
    blocks, curves = [], []
    for i, (name, (color, width)) in enumerate(LINES.items()):
        program = next(p for p in PROGRAMS if p.name == name)
        points = [(row.us, median(measured, program)) for row, measured in rows
                  if program in programs_in(measured)]
        if points:
            lines = "".join(f"{us} {ns}\n" for us, ns in points)
            blocks.append(f"$data{i} << EOD\n{lines}EOD\n")
            title = name if program.bounded else f"{name} (no limit)"
            curves.append(f'$data{i} with linespoints pointtype 7 pointsize 0.5 linewidth {width} '
                          f'linecolor rgb "{color}" title "{title}"')
    threads = min(3, CORES)
    curves.append(f'x * 1000 / {threads} with lines dashtype 2 linecolor rgb "#999999" '
                  f'title "the work alone, on {threads} processors"')
    # A white background, so that the lines are visible on a dark page too.
    script = f"""
set terminal svg size 900,600 dynamic enhanced background "#ffffff" font "sans-serif,14"
set output "{path}"
set logscale xy
set xlabel "work in each job, microseconds"
set ylabel "time for each job, ns"
set title "int jobs, 3 workers, 1 producer, {CORES} processors"
set grid linecolor rgb "#dddddd"
set key bottom right
set xrange [{rows[0][0].us}:{rows[-1][0].us}]
{''.join(blocks)}
plot {', '.join(curves)}
"""
    if subprocess.run(["gnuplot"], input=script, text=True).returncode != 0:
        die("gnuplot failed")


def first_line(*command):
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.splitlines()[0]
    except (OSError, IndexError):
        return command[0] + ": unknown"


def print_machine():
    processor = "an unknown processor"
    with contextlib.suppress(OSError), open("/proc/cpuinfo", encoding="utf-8") as file:
        models = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
        processor = models[0] if models else processor
    print(f"{time.strftime('%Y-%m-%d')}, {CORES} processors ({processor}), "
          f"Linux {os.uname().release}")
    print(first_line(os.environ.get("CC", "gcc"), "--version"))  # as Bazel chooses it
    if shutil.which("go"):
        print(first_line("go", "version"))
    print()


def print_noise(results, options):
    repeated = sum(measured.repeated for measured in results.values())
    disturbed = sum(measured.disturbed for measured in results.values())
    rounds = len(results) * options.repetitions
    print(f"{rounds} rounds of {options.seconds:g} s for each program. {repeated} more were "
          f"measured because other processes took over {MAX_FOREIGN_SHARE:.0%} of the "
          f"{CORES} processors;\n{disturbed} of the rounds in the table were "
          f"disturbed all the same.")
    print()
