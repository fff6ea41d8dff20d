"""The README's own first call, run through bash against the installation that `make run` starts."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack import Stack, running
from xroute.embedded.home import PROJECT

README = (PROJECT / "README.md").read_text()
BLOCKS = re.findall(r"<!-- first-call -->\n```bash\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Stack:
    folder = Path(tmp_path_factory.mktemp("readme")) / "data"
    with running(folder) as found:
        yield found


def bash(stack: Stack, script: str) -> subprocess.CompletedProcess:
    script = script.replace("localhost:8000", f"localhost:{stack.port}").replace(".venv/bin/python", sys.executable)
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=PROJECT,
        env=stack.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_first_call_answers_and_is_billed(stack):
    assert len(BLOCKS) == 2
    done = bash(stack, "\n".join(BLOCKS))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["model"] == "openai/gpt-5"
    assert answer["provider"] == "sandbox"
    assert answer["choices"][0]["message"]["content"]
    assert answer["usage"]["cost"] > 0


def test_a_key_the_shell_did_not_replace_is_told_so(stack):
    done = bash(
        stack, BLOCKS[1].replace('"Authorization: Bearer $XROUTE_API_KEY"', "'Authorization: Bearer $XROUTE_API_KEY'")
    )
    error = json.loads(done.stdout)["error"]
    assert error["code"] == "invalid_api_key"
    assert "shell did not replace it" in error["message"]


def test_the_readmes_commands_and_settings_exist():
    """Every setting of the table is read somewhere, every make target and management command is there."""
    source = "\n".join(path.read_text() for path in PROJECT.glob("xroute/**/*.py"))
    for name in re.findall(
        r"`((?:XROUTE_)?[A-Z][A-Z_]{3,})`", README.partition("## Configuration")[2].partition("## Prod")[0]
    ):
        assert name in source, name
    makefile = (PROJECT / "Makefile").read_text()
    for target in re.findall(r"`?make ([a-z-]+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_books_are_right_afterwards(stack):
    done = stack.manage("audit_ledger")
    assert done.returncode == 0, done.stderr
