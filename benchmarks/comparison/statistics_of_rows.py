"""Medians, spreads and ratios of the measured rounds."""

import statistics

from comparison.contestants import PROGRAMS


def median(row, program, key="ns"):
    return statistics.median(measured[program.name][key] for measured in row.rounds)


def spread(row, program):
    """The distance between the quartiles, as a share of the median."""
    values = [measured[program.name]["ns"] for measured in row.rounds]
    if len(values) < 2:
        return None
    lower, _, upper = statistics.quantiles(values, n=4, method="inclusive")
    return (upper - lower) / statistics.median(values)


def ratio(row, above, below, key="ns"):
    """The median of the ratios of each round, so that a slow round does not distort it."""
    values = [measured[above.name][key] / max(measured[below.name][key], 1e-9)
              for measured in row.rounds]
    return statistics.median(values)


def programs_in(row):
    return [p for p in PROGRAMS if row.rounds and p.name in row.rounds[0]]


def best(row, bounded_only=False):
    """The fastest C++ peer, or None."""
    peers = [p for p in programs_in(row)
             if not p.ours and p.target != "go" and (p.bounded or not bounded_only)]
    return min(peers, key=lambda p: median(row, p), default=None)


def go_in(row):
    return next((p for p in programs_in(row) if p.target == "go"), None)
