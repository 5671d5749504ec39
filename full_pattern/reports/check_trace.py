"""check_trace.py FILE: checks a trace with Python's JSON parser, which shares no code with ours.

Prints one line that says what the trace holds. If the trace is wrong, prints the reason on standard
error and exits with status 1.
"""

import json
import sys


def refuse_constant(name):
    raise ValueError(f"{name} is not JSON")


def main(path):
    with open(path, "rb") as file:
        text = file.read().decode("utf-8")  # refuses bytes that are not UTF-8
    events = json.loads(text, parse_constant=refuse_constant)["traceEvents"]
    by_type = {"M": [], "X": [], "C": [], "i": []}
    for event in events:
        by_type[event["ph"]].append(event)

    named = {event["tid"] for event in by_type["M"] if event["name"] == "thread_name"}
    for lane in {event["tid"] for event in by_type["X"]}:
        if lane not in named:
            raise ValueError(f"lane {lane} has no name")
        end = 0.0
        for bar in sorted((b for b in by_type["X"] if b["tid"] == lane), key=lambda b: b["ts"]):
            if bar["dur"] < 0 or bar["ts"] < end:
                raise ValueError(f"bar {bar['name']} of lane {lane} overlaps the bar before it")
            end = bar["ts"] + bar["dur"] - 0.001  # rounded to the nanosecond, twice
            if not bar["args"]["result"]:
                raise ValueError(f"bar {bar['name']} has no result")

    counts = [event["args"]["jobs"] for event in sorted(by_type["C"], key=lambda e: e["ts"])]
    if counts and (min(counts) < 0 or counts[-1] != 0):
        raise ValueError(f"the number of waiting jobs must end at 0 and never be negative: {counts}")

    stages = [e["name"] for e in sorted(by_type["i"], key=lambda e: e["ts"]) if e["s"] == "g"]
    if stages != ["close", "cancel", "abandon"][: len(stages)]:
        raise ValueError(f"stages out of order: {stages}")
    print(f"{len(named)} lanes, {len(by_type['X'])} bars, stages: {' '.join(stages)}")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except (ValueError, KeyError) as error:
        sys.exit(f"{sys.argv[1]}: {error!r}")
