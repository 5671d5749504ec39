"""The programs, the rows of the table, and the targets."""

import dataclasses
import re

JOBS = ("bare", "full", "reused")  # of the course's type Job: all that a WorkerPool takes
ALL_JOBS = ("int", "struct") + JOBS


@dataclasses.dataclass(frozen=True)
class Program:
    name: str
    target: str  # of Bazel; Go's is built by go
    contestant: str  # its name on the command line of the executable
    bounded: bool
    ours: bool = False
    package: str = ""  # of Debian
    needs: str = ""  # a header, a command, or a shared library
    preload: bool = False  # `needs` is a library that replaces malloc
    shapes: tuple = ("throughput", "ping-pong", "lifecycle")
    jobs: tuple = ALL_JOBS


PROGRAMS = (
    Program("simple", "//:ours", "simple", bounded=True, ours=True),
    Program("fast", "//:ours", "fast", bounded=True, ours=True),
    Program("fast-returns", "//:ours", "fast-returns", bounded=True, ours=True, jobs=("full",),
            shapes=("throughput",)),
    Program("fast-mimalloc", "//:ours", "fast", bounded=True, ours=True, jobs=("full",),
            package="libmimalloc-dev", needs="libmimalloc.so", preload=True,
            shapes=("throughput",)),
    Program("pool-simple", "//:ours", "pool-simple", bounded=True, ours=True, jobs=JOBS),
    Program("pool", "//:ours", "pool", bounded=True, ours=True, jobs=JOBS),
    Program("go", "go", "channel", bounded=True, package="golang-go", needs="go"),
    Program("onetbb-queue", "//peers:onetbb", "queue", bounded=True, package="libtbb-dev",
            needs="oneapi/tbb.h"),
    Program("onetbb-tasks", "//peers:onetbb", "tasks", bounded=False, package="libtbb-dev",
            needs="oneapi/tbb.h"),
    Program("asio", "//peers:asio", "pool", bounded=False, package="libboost-dev",
            needs="boost/asio.hpp"),
    Program("taskflow", "//peers:taskflow", "executor", bounded=False,
            package="libtaskflow-cpp-dev", needs="taskflow/taskflow.hpp"),
    Program("bs", "//peers:bs", "pool", bounded=False, package="libbs-thread-pool-dev",
            needs="BS_thread_pool.hpp"),
    Program("moodycamel", "//peers:moodycamel", "queue", bounded=False,
            package="libconcurrentqueue-dev",
            needs="concurrentqueue/moodycamel/blockingconcurrentqueue.h"),
)


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    shape: str
    job: str
    us: float
    workers: int
    producers: int

    def first_count(self):
        """Enough jobs to estimate how many fill a run."""
        return 20 if self.shape == "lifecycle" else 1000


ROW_SYNTAX = """\
a row is JOB/WORKus/WORKERSw/PRODUCERSp, such as full/0.5us/3w/1p, where JOB is one of
""" + ", ".join(ALL_JOBS) + """;
or ping-pong/WORKERSw or lifecycle/WORKERSw; or a group of rows: """


def parse_row(name):
    """Returns None if the name is not that of a row."""
    job = f"({'|'.join(ALL_JOBS)})"
    match = re.fullmatch(job + r"/(\d+(?:\.\d+)?)us/([1-9]\d?)w/([1-9]\d?)p", name)
    if match:
        return Row(name, "throughput", match[1], float(match[2]), int(match[3]), int(match[4]))
    match = re.fullmatch(r"(ping-pong|lifecycle)/([1-9]\d?)w", name)
    if match:
        return Row(name, match[1], "int", 0, int(match[2]), 1)
    return None


@dataclasses.dataclass(frozen=True)
class Target:
    rows: tuple
    program: str
    against: str  # a program, or "bounded": the best bounded C++ peer
    what: str  # "speed": at least `limit` times as fast; "CPU": at most `limit` times as much
    limit: float


def rows_of(jobs, works, workers, producers=(1,)):
    return tuple(f"{job}/{us}us/{w}w/{p}p"
                 for job in jobs for us in works for w in workers for p in producers)


SHORT_WORK = rows_of(("int", "full"), (0.3, 1), (1, 2, 3))
TEN_US = rows_of(("int", "full"), (10,), (1, 2, 3))
FULL_WORK = rows_of(("full",), (0.3, 1), (1, 2, 3))
BARE = rows_of(("bare",), (0,), (1, 3))
PING_PONG = ("ping-pong/3w", "ping-pong/1w")


def both(rows, against_go, against_bounded):
    return (Target(rows, "fast", "go", "speed", against_go),
            Target(rows, "fast", "bounded", "speed", against_bounded))


TARGETS = (
    *both(rows_of(("int",), (0,), (1, 3, 8)), 2.0, 3.0),
    *both(("struct/0us/3w/1p",), 1.5, 3.0),
    Target(BARE, "fast", "go", "speed", 2.0),
    Target(BARE, "pool", "go", "speed", 1.0),
    Target(("reused/0us/3w/1p",), "pool", "go", "speed", 1.2),
    Target(("full/0us/3w/1p",), "pool", "go", "speed", 1.0),
    *both(SHORT_WORK, 1.1, 1.0),
    Target(FULL_WORK, "pool", "go", "speed", 1.05),
    *both(TEN_US, 1.0, 1.0),
    Target(rows_of(("full",), (10,), (1, 2, 3)), "pool", "go", "speed", 1.0),
    *both(("int/0us/3w/4p",), 1.0, 1.0),
    *both(PING_PONG, 1.0, 10.0),
    Target(PING_PONG, "pool", "go", "speed", 0.9),
    Target(("full/1us/3w/1p",), "simple", "go", "speed", 0.9),
    Target(rows_of(("int", "full"), (1, 10), (1, 2, 3)), "fast", "go", "CPU", 1.2),
    Target(rows_of(("full",), (1, 10), (1, 2, 3)), "pool", "go", "CPU", 1.2),
)

PLOTTED = rows_of(("int",), ("0.1", "0.3", 1, 3, 10, 30, 100), (3,))

GROUPS = {
    # In the order of the targets, each once.
    "targets": tuple(dict.fromkeys(row for target in TARGETS for row in target.rows)) +
               ("lifecycle/3w",),
    "all": rows_of(ALL_JOBS, (0, 1, 10), (1, 2, 3, 8), (1, 4)) +
           ("ping-pong/1w", "ping-pong/3w", "lifecycle/3w"),
    "plot": PLOTTED,
    "quick": ("int/0us/3w/1p", "struct/0us/8w/4p", "full/1us/3w/1p", "ping-pong/3w",
              "lifecycle/3w"),
}
