"""A wrong configuration refuses to start, whatever starts, and the sentence names the variable and the fix."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack import OURS
from xroute.embedded.home import PROJECT
from xroute.lib import env

SOUND = {
    "SECRET_KEY": "k3" * 20,
    "XROUTE_ENCRYPTION_KEYS": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "ALLOWED_HOSTS": "api.acme.org",
}
CHECK = ("manage.py", "check")
WEB = ("-m", "xroute.web", "--port", "0")
MAKE_IT = "Make one with: python3 -c"
ENV_EXAMPLE = PROJECT / ".env.example"
README = (PROJECT / "README.md").read_text().partition("## Configuration")[2].partition("## Production")[0]


def start(*command: str, **environment: str | None) -> subprocess.CompletedProcess:
    """A process of a production installation; None takes a variable away."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    chosen = kept | {"XROUTE_DOTENV": os.devnull} | SOUND | environment
    return subprocess.run(
        [sys.executable, *command],
        cwd=PROJECT,
        env={name: value for name, value in chosen.items() if value is not None},
        capture_output=True,
        text=True,
        timeout=120,
    )


def refusal(*command: str, **environment: str | None) -> str:
    done = start(*command, **environment)
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    (line,) = done.stderr.splitlines()
    assert line.startswith("XRoute cannot start: ")
    return line


def test_a_sound_configuration_starts():
    done = start(*CHECK)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [CHECK, WEB], ids=["manage", "web"])
@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"SECRET_KEY": None}, f"SECRET_KEY is missing or empty. {MAKE_IT}"),
        ({"SECRET_KEY": "changeme" * 8}, f"SECRET_KEY is still a placeholder. {MAKE_IT}"),
        ({"XROUTE_ENCRYPTION_KEYS": ""}, f"XROUTE_ENCRYPTION_KEYS is missing or empty. {MAKE_IT}"),
        ({"XROUTE_MODE": "prod"}, "XROUTE_MODE is 'prod'; it must be one of: production, demo, test."),
        ({"XROUTE_ATEMPTS_MAX": "2"}, "XROUTE_ATEMPTS_MAX is no setting of XRoute. Did you mean XROUTE_ATTEMPTS_MAX?"),
    ],
)
def test_whatever_starts_refuses_what_is_wrong(command, environment, sentence):
    assert sentence in refusal(*command, **environment)


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY has 5 characters; at least 32 are needed."),
        ({"SECRET_KEY": None, "SECRET_KEY_FILE": "/none"}, "SECRET_KEY_FILE is '/none', which cannot be read"),
        ({"XROUTE_ENCRYPTION_KEYS": "no-fernet-key-but-long-enough-for-one"}, "no Fernet key. Make one with:"),
        ({"ALLOWED_HOSTS": " , "}, "ALLOWED_HOSTS is not set. List the host names"),
        ({"DATABASE_URL": "mysql://localhost/x"}, "must start with postgresql://"),
        ({"XROUTE_INFLIGHT_MAX": "many"}, "XROUTE_INFLIGHT_MAX is 'many'; it must be a whole number such as 2000."),
        ({"XROUTE_LOG_LEVEL": "LOUD"}, "XROUTE_LOG_LEVEL is 'LOUD'; it must be one of: DEBUG"),
        ({"XROUTE_TRUSTED_PROXIES": "*"}, "XROUTE_TRUSTED_PROXIES is '*'. Name the addresses"),
        ({"XROUTE_DOTENV": "/none/.env"}, "XROUTE_DOTENV is '/none/.env', where there is no file."),
        (
            {"XROUTE_MODE": "demo", "STRIPE_SECRET_KEY": "sk_live_51NotAKeyOfAnybody00"},
            "STRIPE_SECRET_KEY is a live key",
        ),
        (
            {"XROUTE_MODE": "demo", "STRIPE_SECRET_KEY": "rk_live_51NotAKeyOfAnybody00"},
            "STRIPE_SECRET_KEY is a live key",
        ),
        (
            {"XROUTE_MODE": "test", "STRIPE_SECRET_KEY": "sk_live_51NotAKeyOfAnybody00"},
            "STRIPE_SECRET_KEY is a live key",
        ),
    ],
)
def test_what_is_wrong_is_named(environment, sentence):
    assert sentence in refusal(*CHECK, **environment)


def test_a_secret_is_never_in_the_sentence():
    canary = "canary-of-31-characters-exactly"
    assert canary not in refusal(*CHECK, SECRET_KEY=canary)
    live = {"XROUTE_MODE": "demo", "STRIPE_SECRET_KEY": f"sk_live_{canary}"}
    assert canary not in refusal(*CHECK, **live)


def test_demo_listens_on_loopback_only():
    assert "must not listen on '0.0.0.0'" in refusal(*WEB, "--host", "0.0.0.0", XROUTE_MODE="demo")


def test_each_setting_may_come_from_a_file(tmp_path):
    for name, value in SOUND.items():
        (tmp_path / name).write_text(f"{value}\n")
    files = {f"{name}_FILE": str(tmp_path / name) for name in SOUND}
    done = start(*CHECK, **dict.fromkeys(SOUND), **files)
    assert done.returncode == 0, done.stderr


def test_a_dotenv_is_read_and_the_environment_wins(tmp_path):
    file = tmp_path / "env"
    file.write_text("".join(f"{name}={value}\n" for name, value in SOUND.items()) + "XROUTE_MODE=prod\n")
    nothing = dict.fromkeys(SOUND)
    # manage.py looks for DATABASE_URL before the settings do: both must read the same file.
    assert start(*CHECK, XROUTE_DOTENV=str(file), XROUTE_MODE="production", **nothing).returncode == 0
    assert "XROUTE_MODE is 'prod'" in refusal(*CHECK, XROUTE_DOTENV=str(file), **nothing)
    file.write_text("SECRET_KEY\n")
    assert f"{file}:1: expected NAME=value" in refusal(*CHECK, XROUTE_DOTENV=str(file))


def test_an_unknown_name_in_a_dotenv_is_refused_too(tmp_path):
    (tmp_path / "env").write_text("XROUTE_LEASE_TTL=5\n")
    assert "Did you mean XROUTE_LEASE_TTL_S?" in refusal(*CHECK, XROUTE_DOTENV=str(tmp_path / "env"))


def test_a_callers_key_in_the_environment_is_no_setting():
    assert start(*CHECK, XROUTE_API_KEY="xr-v1-of-somebody").returncode == 0


def example() -> dict[str, bool]:
    """The names of .env.example, and whether each is to be filled in."""
    lines = re.findall(r"^(#?)([A-Z][A-Z0-9_]+)=", ENV_EXAMPLE.read_text(), re.MULTILINE)
    return {name: not hidden for hidden, name in lines}


def test_the_example_has_what_is_required_and_nothing_unknown():
    providers = {name for name in example() if name.startswith(("OPENAI_", "MISTRAL_", "CLOUDFLARE_"))}
    assert set(example()) - providers <= env.known()
    assert {name for name, required in example().items() if required} == set(SOUND)


@pytest.mark.parametrize("name", SOUND)
def test_each_required_setting_is_required(name, tmp_path):
    """The example as it comes, filled in but for one."""
    lines = ENV_EXAMPLE.read_text()
    for other, value in SOUND.items():
        lines = re.sub(rf"^{other}=$", f"{other}={value if other != name else ''}", lines, flags=re.MULTILINE)
    (tmp_path / "env").write_text(lines)
    nothing = dict.fromkeys(SOUND)
    if name == "DATABASE_URL":  # without it manage.py would use the embedded servers
        assert name in refusal(*WEB, XROUTE_DOTENV=str(tmp_path / "env"), **nothing)
    else:
        assert name in refusal(*CHECK, XROUTE_DOTENV=str(tmp_path / "env"), **nothing)


def test_the_readmes_table_names_settings_and_all_that_are_required():
    rows = [line.split("|")[1] for line in README.splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    assert named <= env.known()
    assert set(SOUND) <= named


def test_the_readme_says_the_defaults():
    from django.conf import settings

    compared = 0
    for row in re.findall(r"^\| (`.*?) \| (.*?) \|", README, re.MULTILINE):
        for name, default in zip(re.findall(r"`([A-Z_]+)`", row[0]), row[1].replace("`", "").split(", "), strict=False):
            number, _, unit = default.partition(" ")
            if number.isdigit() and name not in os.environ:
                assert getattr(settings, name) == int(number) * (2**20 if unit == "MB" else 1), name
                compared += 1
    assert compared > 10


def test_the_example_lies_where_the_readme_says():
    assert ".env.example" in (PROJECT / "README.md").read_text()
    assert Path(ENV_EXAMPLE).is_file()
