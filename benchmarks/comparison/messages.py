"""Messages to the user, on standard error."""

import sys


def say(text):
    print(text, file=sys.stderr, flush=True)


def die(text):
    say(f"compare: {text}")
    sys.exit(1)
