#!/usr/bin/env python3
"""Tells the sample as if it happened now: some lines a second, every time in them moved to the present.

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


def moved(value, by):
    if isinstance(value, dict):
        return {key: moved(inner, by) for key, inner in value.items()}
    if isinstance(value, list):
        return [moved(inner, by) for inner in value]
    if isinstance(value, str) and INSTANT.match(value):
        then = datetime.fromisoformat(value.replace("Z", "+00:00")) + by
        return then.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


def main():
    sample, rate = sys.argv[1], float(sys.argv[2])
    with gzip.open(sample, "rt") as lines:
        for line in lines:
            record = json.loads(line)
            # The earliest is when it happened; what it says of later (received, to be called on) stays later.
            happened = min(instants(record), default=None)
            if happened is not None:
                record = moved(record, datetime.now(timezone.utc) - happened)
            print(json.dumps(record), flush=True)
            time.sleep(1 / rate)


try:
    main()
except (BrokenPipeError, KeyboardInterrupt):
    sys.exit(0)
