#!/usr/bin/env python3
"""Measures the engine beside its peer, and the product by itself; writes the tables and the plot of docs/BENCHMARKS.md.

    PEER=path/to/kstreams deploy/bench/bench.py [--runs 3] [--only throughput,stages,latency,saturation,restore,scaling,simulate,product]
                                                [--systems engine]

PEER is the folder of the Kafka Streams peer with its harness (measure.py, run-broker.sh). Without it the engine's part
is skipped with a line that says so. A part that is run again replaces that part's results alone; with --systems, of
these systems alone.
Standard library only. Everything it leaves lies in .work/bench.
"""
import argparse, glob, json, os, platform, resource, shlex, signal, subprocess, sys, threading, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
WORK = os.path.join(ROOT, ".work", "bench")
RESULTS = os.path.join(ROOT, "docs", "benchmarks.json")
TARGET = os.environ.get("CARGO_TARGET_DIR") or os.path.join(ROOT, "target")
BIN = os.path.join(TARGET, "release")
PORT = os.environ.get("BROKER_PORT", "29092")
PARTS = ["throughput", "stages", "latency", "saturation", "restore", "scaling", "simulate", "product"]
SYSTEMS = {
    "engine": {"app": os.path.join(BIN, "baton-fixed-work")},
    "streams-rocksdb": {"args": "--store rocksdb"},
    "streams-hash": {"args": "--store hash"},
    "streams-rocksdb-20ms": {"args": "--store rocksdb --commit-ms 20"},
}
# What every right run over the default input shows.
DIGESTS = {"lead.engagement": "678424897597a757", "lead.scores": "b9cafd51e67f4046",
           "lead.handoffs": "639ebae44531086a", "lead.sla-breaches": "9b8ca26da8d0fee9"}
TICK = os.sysconf("SC_CLK_TCK")


def say(text):
    print(time.strftime("%H:%M:%S"), text, flush=True)


# The engine and its peer, by the peer's harness.

def peer_env():
    env = dict(os.environ, KSPEER_WORK=WORK, BROKER_PORT=PORT)
    libs = os.path.join(ROOT, ".work", "kafka-libs")
    if "KAFKA_LIBS" not in env and glob.glob(libs + "/kafka-server-*.jar"):
        env["KAFKA_LIBS"] = libs
    return env


class Watch(threading.Thread):
    """What the processes of a pipeline hand to the disk, and their peaks: those that the harness has given a state directory."""
    def __init__(self):
        super().__init__(daemon=True)
        self.written, self.peaks, self.looks, self.stopped = {}, {}, {}, False

    def run(self):
        while not self.stopped:
            for pid in filter(str.isdigit, os.listdir("/proc")):
                try:
                    # More than once: a process is its parent's likeness until it runs its own program.
                    if pid not in self.written and self.looks.get(pid, 0) < 5:
                        self.looks[pid] = self.looks.get(pid, 0) + 1
                        if b"BENCH_STATE_DIR=" + WORK.encode() in open(f"/proc/{pid}/environ", "rb").read():
                            self.written[pid] = 0
                    if pid in self.written:
                        lines = open(f"/proc/{pid}/io").read().splitlines()
                        self.written[pid] = int(next(line for line in lines if line.startswith("write_bytes")).split()[1])
                        self.peaks[pid] = peak_of(pid)
                except (OSError, StopIteration):
                    continue
            time.sleep(0.2)

    def end(self):
        self.stopped = True
        self.join()


def measure(peer, what, system, *extra, copies=1):
    """One measurement; the rows that the harness has written."""
    tag = f"{system}-{int(time.time())}"
    how = SYSTEMS[system]
    app = how.get("app")
    if copies > 1:
        app = shlex.join([sys.executable, os.path.abspath(__file__), "--copies", str(copies), app])
    own = ["--app", app] if app else ["--peer-args=" + how["args"]]
    command = [os.path.join(peer, "bench.sh"), *shlex.split(what), "--tag", tag, *own, *extra]
    say(f"{what} {' '.join(extra)}: {system}")
    log = open(os.path.join(WORK, "bench.log"), "a")
    watch = Watch()
    watch.start()
    done = subprocess.run(command, env=peer_env(), stdout=log, stderr=log)
    watch.end()
    files = glob.glob(os.path.join(WORK, "results", f"*-{tag}.json"))
    if done.returncode or not files:
        say(f"  failed (status {done.returncode}); see {WORK}/bench.log")
        return []
    rows = json.load(open(files[0]))["rows"]
    for row in rows:
        # Several rows share what their processes wrote.
        row["local_bytes"] = sum(watch.written.values()) // len(rows)
        if copies > 1:
            # The harness sees the one that has started them.
            row["peak_rss_mib"] = round(sum(watch.peaks.values()), 1)
        if "disk_bytes" in row:
            row["log_bytes"] = sum(row["disk_bytes"].values())
    return rows


def copies_of(command, copies):
    """Runs so many instances of a pipeline until it is told to end: what --app names when it is to be several processes."""
    # A signal that comes while they are being started would be lost on those to come.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    started = []
    for number in range(copies):
        state = os.path.join(os.environ["BENCH_STATE_DIR"], str(number))
        env = dict(os.environ, BENCH_INSTANCE=str(number), BENCH_STATE_DIR=state)
        unblock = lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
        started.append(subprocess.Popen(command, env=env, preexec_fn=unblock))
        if number == 0:
            # The first one makes the topics.
            time.sleep(1)
    signal.sigwait([signal.SIGTERM])
    for process in started:
        process.terminate()
    sys.exit(max(process.wait() for process in started))


def right(rows, events):
    """The rows whose records are those of the right answer."""
    def is_right(row):
        digests = {topic: found["digest"] for topic, found in row.get("verify", {}).items()}
        return row.get("ok") and (events != 2_000_000 or digests == DIGESTS)
    wrong = [row for row in rows if not is_right(row)]
    if wrong:
        raise SystemExit(f"wrong records: {wrong}")
    return rows


def scaled_run(peer, events, leads, seed, copies):
    """The engine over so many leads, on so many processes; with its cost by record read from outside, profiles included."""
    rows = measure(peer, "throughput", "engine", "--events", str(events), "--no-verify", "--leads", str(leads),
                   "--seed", str(seed), copies=copies)
    for row in rows:
        loaded = json.load(open(os.path.join(WORK, "broker", "data", f"preload-{events}-{leads}-{seed}.json")))
        row["records"] = sum(loaded[kind] for kind in ("events", "profiles", "activities"))
        row["us_per_record"] = row["app_cpu_s"] / row["records"] * 1e6
        row["records_per_s"] = row["records"] / row["wall_s"]
    return rows


def warm_up(peer, system):
    """Thrown away: a broker that has just started takes a minute to compile itself."""
    measure(peer, "latency 5000", system, "--seconds", "30")


def saturation(peer, system):
    """The greatest rate of a live feed, within 4,000 a second, at which a pipeline does not fall behind: 99 of 100
    handoffs are there within two seconds."""
    def holds(rate):
        rows = measure(peer, f"latency {rate}", system, "--seconds", "10", "--warmup", "10")
        return bool(rows) and rows[0]["lead.handoffs"]["p99_ms"] <= 2_000
    held, broken = 4_000, 8_000
    while broken < 200_000 and holds(broken):
        held, broken = broken, broken * 2
    while broken - held > 4_000:
        rate = (held + broken) // 2
        held, broken = (rate, broken) if holds(rate) else (held, rate)
    return held


def run_engine(peer, part, runs, events, chosen):
    size = ["--events", str(events)]
    rows = {}
    among = lambda *names: [name for name in names if name in chosen]
    if part == "throughput":
        for _ in range(runs):
            for system in among("engine", "streams-rocksdb", "streams-hash"):
                rows.setdefault(system, []).extend(right(measure(peer, "throughput", system, *size), events))
    elif part == "stages":
        for system in among("engine", "streams-rocksdb"):
            rows[system] = measure(peer, "stages", system, "--runs", str(runs), *size)
    elif part == "latency":
        warm_up(peer, chosen[0])
        for _ in range(runs):
            for rate in (2000, 5000):
                for system in among("engine", "streams-rocksdb", "streams-rocksdb-20ms"):
                    found = measure(peer, f"latency {rate}", system, "--seconds", "30")
                    rows.setdefault(f"{system} {rate}/s", []).extend(found)
    elif part == "saturation":
        warm_up(peer, chosen[0])
        for system in among("engine", "streams-rocksdb"):
            most = saturation(peer, system)
            rate = most * 4 // 5
            for _ in range(runs):
                found = measure(peer, f"latency {rate}", system, "--seconds", "30", "--warmup", "15")
                rows.setdefault(f"{system} {rate:,}/s, of at most {most:,}/s", []).extend(found)
    elif part == "restore":
        for system in among("engine", "streams-rocksdb"):
            rows[system] = measure(peer, "restore", system, "--runs", str(runs), *size)
    elif part == "scaling" and "engine" in chosen:
        # A quarter of the events: seven inputs have to be loaded, the largest with as many profiles as leads.
        count = events // 4
        for _ in range(runs):
            for power in range(4, 8):
                rows.setdefault(f"{10**power:,} leads", []).extend(scaled_run(peer, count, 10**power, power, 1))
            for copies in (1, 2, 4):
                rows.setdefault(f"{copies} processes", []).extend(scaled_run(peer, count, 100_000, 42, copies))
    return rows


# The product.

def cpu_of(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def peak_of(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def until_idle(command, env, name):
    """Runs a consumer until it has had nothing to do for three seconds."""
    log = open(os.path.join(WORK, f"{name}.log"), "a")
    process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    began = time.time()
    samples = []
    while True:
        time.sleep(0.25)
        if process.poll() is not None:
            raise SystemExit(f"{name} ended by itself; see {WORK}/{name}.log")
        samples.append((time.time(), cpu_of(process.pid)))
        now, cpu = samples[-1]
        before = [c for t, c in samples if t <= now - 3]
        # An idle consumer still polls: below a twentieth of a core counts as nothing.
        if before and now - began > 6 and cpu - before[-1] < 0.15:
            break
    busy = next(t for t, c in samples if cpu - c < 0.15)
    peak = peak_of(process.pid)
    process.send_signal(signal.SIGTERM)
    process.wait(60)
    return {"cpu_s": round(cpu, 2), "wall_s": round(busy - began, 2), "peak_rss_mib": round(peak, 1)}


def sample(leads, days):
    path = os.path.join(WORK, f"sample-{leads}-{days}.jsonl")
    if not os.path.exists(path):
        with open(path + ".part", "w") as out:
            subprocess.run([os.path.join(BIN, "baton-sample"), str(leads), str(days)], stdout=out, check=True)
        os.rename(path + ".part", path)
    return path, sum(1 for _ in open(path))


def run_simulate(runs, leads):
    rows = []
    path, events = sample(leads, 21)
    for _ in range(runs):
        say(f"simulate: {events} lines")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.time()
        subprocess.run([os.path.join(BIN, "baton"), "simulate", "--events", path, "--topic", "sla.breach"],
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        rows.append({"events": events, "cpu_s": round(cpu, 2), "wall_s": round(time.time() - began, 2),
                     "events_per_cpu_s": round(events / cpu), "peak_rss_mib": round(after.ru_maxrss / 1024, 1)})
    return {"simulate": rows}


def run_product(runs, leads):
    """Each consumer alone over the same preloaded events, then all of them in one process."""
    path, events = sample(leads, 21)
    baton = os.path.join(BIN, "baton")
    rows = {}
    script = os.path.join(ROOT, "deploy", "kafka", "with-broker.sh")
    if "BATON_TEST_BOOTSTRAP" not in os.environ:
        # Once more, with a broker.
        say("product: with a broker of its own")
        done = subprocess.run([script, sys.executable, os.path.abspath(__file__), "--only", "product", "--runs", str(runs),
                               "--leads", str(leads), "--raw", os.path.join(WORK, "product.json")])
        if done.returncode:
            return {}
        return json.load(open(os.path.join(WORK, "product.json")))
    for number in range(runs):
        for kind in ("apart", "together"):
            prefix = f"b{number}{kind}{int(time.time())}."
            state = os.path.join(WORK, "state", prefix.rstrip("."))
            # The binary takes BATON_* for settings.
            env = {name: value for name, value in os.environ.items() if not name.startswith("BATON_")}
            common = ["--bootstrap", os.environ["BATON_TEST_BOOTSTRAP"], "--prefix", prefix, "--set", f"state_dir={state}"]
            quiet = {"stdout": subprocess.DEVNULL, "stderr": open(os.path.join(WORK, "product.log"), "a"), "check": True, "env": env}
            subprocess.run([baton, *common, "topics", "apply"], **quiet)
            subprocess.run([baton, *common, "ingest", "--quiet", path], **quiet)
            consumers = ["identify", "aggregate", "score", "route", "watch"] if kind == "apart" else ["all"]
            for consumer in consumers:
                say(f"product: {consumer}, {events} lines")
                row = until_idle([baton, *common, "run", consumer], env, f"product-{consumer}")
                row.update(events=events, us_per_event=round(row["cpu_s"] / events * 1e6, 2),
                           events_per_s=round(events / max(row["wall_s"], 0.01)))
                rows.setdefault(consumer, []).append(row)
    return rows


# The document.

def middle(rows, key):
    values = sorted(row[key] for row in rows if key in row)
    return values[len(values) // 2] if values else None


def span(rows, key, digits=1):
    values = sorted(row[key] for row in rows if key in row)
    if not values:
        return "–"
    show = lambda value: f"{value:,.{digits}f}" if digits else f"{value:,.0f}"
    if len(values) == 1 or values[0] == values[-1]:
        return show(values[0])
    return f"{show(values[len(values) // 2])} ({show(values[0])}–{show(values[-1])})"


def scaled(rows, key):
    """In megabytes."""
    return [{key: row[key] / 1e6} for row in rows if key in row]


def table(head, lines):
    return ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"] + ["| " + " | ".join(line) + " |" for line in lines] + [""]


def of(results, part):
    return results.get(part, {}).get("rows", {})


def render(results):
    out = []
    rows = of(results, "throughput")
    if rows:
        out += ["### Whole pipeline, four stages, exactly-once", ""]
        out += table(["", "app CPU µs/event", "broker CPU µs/event", "events/s", "peak RSS MiB", "to Kafka MB", "to the local disk MB",
                      "foreign CPU s"],
                     [[name, span(r, "app_us_per_event"), span(r, "broker_us_per_event"), span(r, "events_per_s", 0),
                       span(r, "peak_rss_mib", 0), *(span(scaled(r, key), key, 0) for key in ("log_bytes", "local_bytes")),
                       span(r, "foreign_cpu_s", 0)] for name, r in rows.items() if r])
    rows = of(results, "stages")
    if rows:
        lines = []
        for stage in ("aggregator", "scorer", "router", "watchdog"):
            pick = {name: [x for x in r if x["label"].startswith(stage)] for name, r in rows.items()}
            lines.append([stage] + [f"{span(x, 'app_us_per_event')} µs, {span(x, 'events_per_s', 0)}/s" for x in pick.values()])
        out += ["### Each stage alone", ""] + table(["", *rows], lines)
    latencies = (("latency", "### From produce to a handoff that a reader of committed records holds"),
                  ("saturation", "### The same at 80 % of what a live feed may send"))
    for part, title in latencies:
        rows = of(results, part)
        if not rows:
            continue
        flat = lambda r: [{**x["lead.handoffs"], "app_cores": x["app_cores"]} for x in r if "lead.handoffs" in x]
        out += [title, ""]
        out += table(["", "p50 ms", "p99 ms", "p99.9 ms", "app cores"],
                     [[name, *(span(flat(r), key, 0) for key in ("p50_ms", "p99_ms", "p999_ms")), span(flat(r), "app_cores", 2)]
                      for name, r in rows.items() if r])
    rows = of(results, "restore")
    if rows:
        out += ["### Restart, until every partition hands off again", ""]
        lines = []
        for label in ("clean stop, state kept", "clean stop, state wiped", "SIGKILL, state kept"):
            pick = {name: [x for x in r if x["label"].startswith(label)] for name, r in rows.items()}
            lines.append([label] + [f"{span(x, 'last_s')} s, {span(x, 'app_cpu_s')} CPU s" for x in pick.values()])
        out += table(["", *rows], lines)
    rows = of(results, "scaling")
    if rows:
        out += ["### The engine by leads and by processes", ""]
        out += table(["", "records in", "app CPU µs/record", "records/s", "peak RSS MiB", "to the local disk MB"],
                     [[name, span(r, "records", 0), span(r, "us_per_record"), span(r, "records_per_s", 0),
                       span(r, "peak_rss_mib", 0), span(scaled(r, "local_bytes"), "local_bytes", 0)] for name, r in rows.items() if r])
    rows = of(results, "product")
    if rows:
        out += ["### The product with the starter policy", ""]
        out += table(["consumer", "CPU µs/line", "lines/s", "peak RSS MiB"],
                     [[name, span(r, "us_per_event"), span(r, "events_per_s", 0), span(r, "peak_rss_mib", 0)] for name, r in rows.items()])
    rows = of(results, "simulate")
    if rows:
        r = rows["simulate"]
        out += ["### `baton simulate`", ""]
        out += table(["lines", "lines a second of one core", "peak RSS MiB"],
                     [[f"{r[0]['events']:,}", span(r, "events_per_cpu_s", 0), span(r, "peak_rss_mib", 0)]])
    out += ["| part | when | machine |", "|---|---|---|"]
    out += [f"| {part} | {results[part]['when']} | {results[part]['machine']} |" for part in PARTS if part in results]
    return "\n".join(out)


def plot(results):
    """Bars of CPU an event: application in front, broker behind it."""
    rows = {name: r for name, r in of(results, "throughput").items() if r}
    if not rows:
        return None
    top = max(middle(r, "app_us_per_event") + middle(r, "broker_us_per_event") for r in rows.values())
    width, left, step = 720, 150, 44
    scale = (width - left - 90) / top
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {60 + step * len(rows)}" font-family="sans-serif" font-size="13">',
           '<rect width="100%" height="100%" fill="#fff"/>',
           '<text x="10" y="22">CPU microseconds an event: application (dark) and broker (light)</text>']
    for index, (name, r) in enumerate(rows.items()):
        app, broker = middle(r, "app_us_per_event"), middle(r, "broker_us_per_event")
        y = 42 + step * index
        out += [f'<text x="10" y="{y + 18}">{name}</text>',
                f'<rect x="{left}" y="{y}" width="{app * scale:.1f}" height="26" fill="#2b5d8a"/>',
                f'<rect x="{left + app * scale:.1f}" y="{y}" width="{broker * scale:.1f}" height="26" fill="#b9cfe2"/>',
                f'<text x="{left + (app + broker) * scale + 6:.1f}" y="{y + 18}">{app:.1f} + {broker:.1f}</text>']
    return "\n".join(out + ["</svg>"]) + "\n"


def write(results):
    with open(RESULTS, "w") as out:
        json.dump(results, out, indent=1)
        out.write("\n")
    path = os.path.join(ROOT, "docs", "BENCHMARKS.md")
    begin, end = "<!-- results: written by make bench -->", "<!-- end of results -->"
    text = open(path).read()
    before, rest = text.split(begin)
    _, after = rest.split(end)
    with open(path, "w") as out:
        out.write(before + begin + "\n\n" + render(results) + "\n\n" + end + after)
    svg = plot(results)
    if svg:
        with open(os.path.join(ROOT, "docs", "benchmarks.svg"), "w") as out:
            out.write(svg)


def machine():
    memory = next(int(line.split()[1]) for line in open("/proc/meminfo") if line.startswith("MemTotal")) // (1 << 20)
    return f"{os.cpu_count()} cores, {memory} GiB, {platform.system()} {platform.machine()}"


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--only", default=",".join(PARTS))
    p.add_argument("--runs", type=int, default=3)
    p.add_argument("--events", type=int, default=2_000_000)
    p.add_argument("--leads", type=int, default=12_000, help="of the product's sample: about 17 lines each")
    p.add_argument("--raw", help="write one part's rows there and nothing else")
    p.add_argument("--systems", default=",".join(SYSTEMS), help="measure these alone")
    p.add_argument("--copies", type=int, help="run so many instances of the command that follows; for this program itself")
    p.add_argument("command", nargs="*", help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.copies:
        copies_of(a.command, a.copies)
    chosen = a.systems.split(",")
    os.makedirs(WORK, exist_ok=True)
    results = json.load(open(RESULTS)) if os.path.exists(RESULTS) else {}
    peer = os.environ.get("PEER")
    if peer:
        peer = os.path.abspath(peer)
    has_peer = bool(peer) and os.path.exists(os.path.join(peer, "measure.py"))
    for part in a.only.split(","):
        if part not in PARTS:
            raise SystemExit(f"{part}: no such part; there are {', '.join(PARTS)}")
        if part in ("simulate", "product"):
            rows = run_simulate(a.runs, a.leads) if part == "simulate" else run_product(a.runs, a.leads)
        elif has_peer:
            rows = run_engine(peer, part, a.runs, a.events, chosen)
        else:
            say(f"{part}: skipped, PEER names no folder with the peer's harness (measure.py)")
            continue
        if a.raw:
            json.dump(rows, open(a.raw, "w"))
            return
        if not any(rows.values()):
            say(f"{part}: nothing measured")
            continue
        kept = {name: r for name, r in of(results, part).items() if name not in rows and len(chosen) < len(SYSTEMS)}
        results[part] = {"rows": {**rows, **kept}, "when": time.strftime("%Y-%m-%d"), "machine": machine()}
        write(results)
    if has_peer:
        subprocess.run([os.path.join(peer, "run-broker.sh"), "stop"], env=peer_env(), check=False)


main()
