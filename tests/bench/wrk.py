"""One run of wrk: the same chat completion over and over on so many connections."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

BODY = json.dumps({"model": "sandbox/echo", "messages": [{"role": "user", "content": "Say something of the sea."}]})
SCRIPT = """
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer {key}"
wrk.body = [[{body}]]
"""
UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Run:
    """`requests` were answered; `bad` of them not with 2xx, or broke."""

    requests: int
    per_s: float
    p50_ms: float
    bad: int


def run(folder: Path, port: int, *, key: str, connections: int, seconds: float, core: int) -> Run:
    script = folder / "chat.lua"
    script.write_text(SCRIPT.format(key=key, body=BODY))
    url = f"http://127.0.0.1:{port}/openai/v1/chat/completions"
    command = ["taskset", "-c", str(core), "wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency"]
    done = subprocess.run([*command, "-s", str(script), url], capture_output=True, text=True, check=True, timeout=60)
    return parse(done.stdout)


def parse(text: str) -> Run:
    bad = [int(number) for number in re.findall(r"Non-2xx or 3xx responses: (\d+)", text)]
    bad += [int(number) for line in re.findall(r"Socket errors: (.*)", text) for number in re.findall(r"\d+", line)]
    value, unit = re.findall(r"50%\s+([\d.]+)(us|ms|s)", text)[0]
    return Run(
        requests=int(re.findall(r"(\d+) requests in", text)[0]),
        per_s=float(re.findall(r"Requests/sec:\s+([\d.]+)", text)[0]),
        p50_ms=float(value) * UNITS_MS[unit],
        bad=sum(bad),
    )
