"""Runs the programs in rounds."""

import dataclasses
import os
import random
import resource
import subprocess
import time

from comparison.building import library
from comparison.messages import die, say

CORES = os.cpu_count() or 1
HUNG_AFTER_SECONDS = 120

# A round in which other processes took more than this share of all processors is repeated.
MAX_FOREIGN_SHARE = 0.05


class Runner:
    def __init__(self, executables):
        self._executables = executables
        first = next(iter(executables))
        self._steps_per_us = float(self._output(first, "calibrate"))
        if "go" in executables:
            go = float(self._output("go", "calibrate"))
            if not 0.9 < go / self._steps_per_us < 1.1:
                say(f"warning: a microsecond is {self._steps_per_us:.0f} steps of work in C++ and "
                    f"{go:.0f} in Go; the machine is busy, or the two do not do the same work")

    def run(self, program, row, count):
        """Returns the numbers that the program printed, by name."""
        steps = round(row.us * self._steps_per_us)
        line = self._output(program.name, program.contestant, row.shape, job_for(program, row),
                            str(row.workers), str(row.producers), str(steps), str(count),
                            preload=library(program.needs) if program.preload else None)
        return {name: float(value) if "." in value else int(value)
                for name, value in (word.split("=") for word in line.split())}

    def _output(self, name, *arguments, preload=None):
        command = [self._executables[name], *arguments]
        environment = {**os.environ, "LD_PRELOAD": str(preload)} if preload else None
        try:
            ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, timeout=HUNG_AFTER_SECONDS, env=environment)
        except subprocess.TimeoutExpired:
            die(f"{name} hung: it did not exit within {HUNG_AFTER_SECONDS} s: {' '.join(command)}")
        if ended.returncode != 0:
            die(f"{name} failed with status {ended.returncode}: {' '.join(command)}\n"
                f"{ended.stdout}{ended.stderr}")
        if preload and ended.stderr:  # the loader only warns if it cannot load the library
            die(f"{name}: {ended.stderr}")
        return ended.stdout.strip()


def takes(program, row):
    """Whether the program measures this row."""
    if row.shape not in program.shapes:
        return False
    return row.shape != "throughput" or row.job in program.jobs


def job_for(program, row):
    """Rows that name no job use int, or the program's only job."""
    return row.job if row.job in program.jobs else program.jobs[0]


def count_for(runner, program, row, seconds):
    """Returns how many jobs take `seconds`, and the numbers of the first run."""
    count = row.first_count()
    first = measured = runner.run(program, row, count)
    while measured["ns"] * count < 20e6 and count < 1_000_000:
        count *= 10
        measured = runner.run(program, row, count)
    return max(row.first_count(), min(10_000_000, round(seconds * 1e9 / measured["ns"]))), first


def busy_seconds():
    """The busy time of all processors, with the time that a hypervisor gave to other machines."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _, _, irq, softirq, steal = map(int, file.readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def own_seconds():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


class ForeignLoad:
    """Measures the share of all processors that other processes have used since construction."""

    def __init__(self):
        self._start = time.monotonic(), busy_seconds(), own_seconds()

    def share(self):
        wall, busy, own = (now - then for now, then in zip(
            (time.monotonic(), busy_seconds(), own_seconds()), self._start))
        return max(0.0, (busy - own) / (wall * CORES))


@dataclasses.dataclass
class Measured:
    rounds: list  # for each round, {name of the program: numbers}
    repeated: int = 0
    disturbed: int = 0  # rounds with foreign load, used for want of quiet ones


def measure_row(runner, programs, row, options):
    counts, results = {}, {}
    for program in programs:
        counts[program.name], first = count_for(runner, program, row, options.seconds)
        results[program.name] = {key: first[key] for key in ("jobs", "numbers", "results")}
    if len({tuple(result.values()) for result in results.values()}) > 1:
        die(f"{row.name}: the programs did not do the same work: {results}")

    # Disturbed rounds are kept in case that there are not enough quiet ones.
    quiet, loud = [], []
    while len(quiet) < options.repetitions and len(quiet) + len(loud) < 2 * options.repetitions:
        load = ForeignLoad()
        measured = {}
        for program in random.sample(programs, len(programs)):
            numbers = runner.run(program, row, counts[program.name])
            measured[program.name] = {**numbers, "count": counts[program.name]}
        share = load.share()
        if options.quick or share <= MAX_FOREIGN_SHARE:
            quiet.append(measured)
        else:
            loud.append((share, measured))
    loud.sort(key=lambda entry: entry[0])
    needed = options.repetitions - len(quiet)
    return Measured(quiet + [measured for _, measured in loud[:needed]],
                    repeated=len(quiet) + len(loud) - options.repetitions, disturbed=needed)
