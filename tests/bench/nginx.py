"""nginx twice: an upstream that always says the same, and a pass-through to it, the yardstick."""

import json
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATH = "/usr/local/bin:/usr/sbin:/usr/bin:/bin"
ANSWER = json.dumps(
    {
        "id": "chatcmpl-static",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": "echo",
        "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "sea " * 50}, "finish_reason": "stop"},
        ],
        "usage": {"prompt_tokens": 12, "completion_tokens": 50, "total_tokens": 62},
    }
)
FRAME = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; default_type application/json;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  {server}
}}
"""
STATIC = "server {{ listen 127.0.0.1:{port} backlog=2048; location / {{ return 200 '{answer}'; }} }}"
PASSING = """
  upstream behind {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 100000000; }}
  server {{ listen 127.0.0.1:{port} backlog=2048; location / {{
    proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; }} }}"""


def needed() -> None:
    """Say what is missing, before anything starts."""
    missing = [
        name for name in ("nginx", "wrk", "taskset") if shutil.which(name, path="/usr/sbin:/usr/bin:/bin") is None
    ]
    if missing:
        sys.exit(f"bench-smoke needs {', '.join(missing)}: apt-get install nginx-light wrk util-linux.")


@contextmanager
def static(folder: Path, port: int, core: int) -> Iterator[None]:
    with _running(folder / "static", STATIC.format(port=port, answer=ANSWER), port, core):
        yield


@contextmanager
def passing(folder: Path, port: int, upstream: int, core: int) -> Iterator[None]:
    with _running(folder / "passing", PASSING.format(port=port, upstream=upstream), port, core):
        yield


@contextmanager
def _running(folder: Path, server: str, port: int, core: int) -> Iterator[None]:
    folder.mkdir(mode=0o755)
    file = folder / "nginx.conf"
    file.write_text(FRAME.format(folder=folder, server=server))
    nginx = shutil.which("nginx", path=PATH)
    command = ["taskset", "-c", str(core), str(nginx), "-e", str(folder / "error.log"), "-c", str(file)]
    child = subprocess.Popen(command, cwd=folder)
    try:
        _wait(port, folder / "error.log")
        yield
    finally:
        child.terminate()
        child.wait(10)


def _wait(port: int, log: Path) -> None:
    until = time.monotonic() + 10
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1).read()
            return
        except OSError:
            if time.monotonic() > until:
                sys.exit(f"nginx did not start: {log.read_text()[-500:]}")
            time.sleep(0.05)
