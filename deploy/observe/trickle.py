#!/usr/bin/env python3
"""Tells the sample as if it came in now: some lines a second, every time in them moved along with `receivedAt`.

Lines that cannot be read are told as they are: the sample has some on purpose.

    trickle.py SAMPLE.jsonl.gz LINES_PER_SECOND | baton ingest -
"""

import gzip
import json
import re
import sys
import time
from datetime import datetime, timezone

INSTANT = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


def instants(value):
    if isinstance(value, dict):
        for inner in value.values():
            yield from instants(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from instants(inner)
    elif isinstance(value, str) and INSTANT.match(value):
        yield datetime.fromisoformat(value.replace("Z", "+00:00"))


def received(record):
    """When the source took it in: what it tells may have happened before, and may be meant for later."""
    parts = record if isinstance(record, list) else [record]
    given = [part.get("receivedAt") for part in parts if isinstance(part, dict)]
    return max(instants(given), default=None) or max(instants(record), default=None)


def moved(value, by):
    if isinstance(value, dict):
        return {key: moved(inner, by) for key, inner in value.items()}
    if isinstance(value, list):
        return [moved(inner, by) for inner in value]
    if isinstance(value, str) and INSTANT.match(value):
        then = datetime.fromisoformat(value.replace("Z", "+00:00")) + by
        return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def told_now(line):
    try:
        record = json.loads(line)
        then = received(record)
        return line if then is None else json.dumps(moved(record, datetime.now(timezone.utc) - then))
    except ValueError:
        return line


def main():
    sample, rate = sys.argv[1], float(sys.argv[2])
    with gzip.open(sample, "rt") as lines:
        for line in lines:
            print(told_now(line.rstrip("\n")), flush=True)
            time.sleep(1 / rate)


try:
    main()
except (BrokenPipeError, KeyboardInterrupt):
    sys.exit(0)
