"""Read settings from the environment, precisely: a wrong value refuses to start and names its remedy.

Every reader looks at NAME and, where that is empty, at NAME_FILE (a path whose content is the value). Being read is
what makes a name a setting: `refuse_unknown` refuses all others that look like ours.
"""

import base64
import difflib
import os
import re
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

PLACEHOLDERS = (
    "changeme",
    "change-me",
    "secret",
    "placeholder",
    "your_",
    "your-",
    "<",
    "xxx",
    "example",
    "insecure",
)
FILE = "_FILE"
_read: set[str] = set()


class BadSetting(Exception):
    """A setting that is missing or wrong. The message names the variable and the fix."""


def load_dotenv(path: Path) -> None:
    """Put NAME=value lines of `path` into the environment; what is already set there wins."""
    if not path.is_file():
        return
    for number, raw in enumerate(path.read_text().splitlines(), start=1):
        line = raw.strip().removeprefix("export ")
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals:
            raise BadSetting(f"{path}:{number}: expected NAME=value, found {name[:20]!r}.")
        os.environ.setdefault(name.strip(), value.strip().strip("'\""))


def dotenv(default: Path) -> Path:
    """The file that stands for `.env`: XROUTE_DOTENV, where that is set."""
    path = Path(text("XROUTE_DOTENV", str(default)))
    if path != default and not path.exists():
        raise BadSetting(f"XROUTE_DOTENV is {str(path)!r}, where there is no file. Mend the path, or unset it.")
    return path


def known() -> frozenset[str]:
    """The names that have been read so far."""
    return frozenset(_read)


def refuse_unknown(prefix: str, *, also: Iterable[str] = ()) -> None:
    """Raises BadSetting for a variable that starts with `prefix` and that nothing read; `also` are not for us."""
    names = _read | set(also)
    for name in sorted(os.environ):
        if not name.startswith(prefix) or name in names or name.removesuffix(FILE) in names:
            continue
        near = difflib.get_close_matches(name, sorted(_read), n=1)
        hint = f"Did you mean {near[0]}? Rename it, or" if near else "The README's table has those there are;"
        raise BadSetting(f"{name} is no setting of XRoute. {hint} unset it (also in .env).")


def _raw(name: str) -> str:
    """The value of NAME, else what the file NAME_FILE holds; "" where there is none."""
    _read.add(name)
    value, path = os.environ.get(name, "").strip(), os.environ.get(name + FILE, "")
    if value or not path:
        return value
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        raise BadSetting(f"{name}_FILE is {path!r}, which cannot be read: {why}.") from error


def text(name: str, default: str | None = None) -> str:
    """The value of `name`; raises BadSetting where there is none and no default."""
    value = _raw(name)
    if value:
        return value
    if default is None:
        raise BadSetting(f"{name} is not set. Set it in the environment or in .env (see the README's table).")
    return default


def integer(name: str, default: int, *, low: int = 0, high: int = 2**62) -> int:
    """A whole number between `low` and `high`."""
    raw = text(name, str(default))
    try:
        value = int(raw)
    except ValueError:
        raise BadSetting(f"{name} is {raw!r}; it must be a whole number such as {default}.") from None
    if not low <= value <= high:
        raise BadSetting(f"{name} is {value}; it must be between {low} and {high}.")
    return value


def number(name: str, default: float, *, low: float = 0.0, high: float = 1e9) -> float:
    """A decimal number between `low` and `high`."""
    raw = text(name, str(default))
    try:
        value = float(raw)
    except ValueError:
        raise BadSetting(f"{name} is {raw!r}; it must be a number such as {default}.") from None
    if not low <= value <= high:
        raise BadSetting(f"{name} is {value}; it must be between {low} and {high}.")
    return value


def words(name: str, default: str = "") -> list[str]:
    """A comma-separated list."""
    return [word.strip() for word in text(name, default).split(",") if word.strip()]


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """One of `allowed`."""
    value = text(name, default)
    if value not in allowed:
        raise BadSetting(f"{name} is {value!r}; it must be one of: {', '.join(allowed)}.")
    return value


def colour(name: str) -> str:
    """A colour as #rrggbb, or nothing."""
    value = text(name, "")
    if value and not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise BadSetting(f"{name} is {value!r}; it must be a colour such as #0f766e.")
    return value


def usd(name: str, default: str) -> int:
    """An amount of USD, such as 1 or 0.50, as nano-USD."""
    value = text(name, default)
    if not re.fullmatch(r"\d{1,6}(\.\d{1,9})?", value):
        raise BadSetting(f"{name} is {value!r}; it must be an amount of USD such as 1 or 0.50.")
    whole, _, part = value.partition(".")
    return int(whole) * 1_000_000_000 + int(part.ljust(9, "0"))


def percent(name: str, default: str, *, high: int = 50) -> Decimal:
    """A percentage from 0 to `high`, with at most 4 decimals."""
    value = text(name, default)
    if not re.fullmatch(r"\d{1,3}(\.\d{1,4})?", value) or Decimal(value) > high:
        raise BadSetting(f"{name} is {value!r}; it must be a percentage from 0 to {high}, such as 5 or 5.5.")
    return Decimal(value)


def cents(name: str, default: str) -> int:
    """An amount of USD in whole cents, such as 1 or 0.50."""
    found, rest = divmod(usd(name, default), 10_000_000)
    if rest:
        raise BadSetting(f"{name} is {text(name, default)!r}; it must be an amount in whole cents, such as 0.50.")
    return found


def flag(name: str, *, default: bool = False) -> bool:
    """true or false."""
    return choice(name, "true" if default else "false", ("true", "false")) == "true"


def tax_code(name: str) -> str:
    """One of Stripe's tax codes, such as txcd_10000000, or nothing."""
    value = text(name, "")
    if value and not re.fullmatch(r"txcd_[0-9]{8}", value):
        raise BadSetting(f"{name} is {value!r}; it must be a tax code of Stripe's, such as txcd_10000000.")
    return value


def font(name: str) -> str:
    """The path of a TrueType or OpenType font, or nothing."""
    value = text(name, "")
    if not value:
        return ""
    try:
        with Path(value).open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise BadSetting(f"{name} is {value!r}, which cannot be read: {error.strerror}.") from error
    if start not in (b"\x00\x01\x00\x00", b"OTTO", b"true"):
        raise BadSetting(f"{name} is {value!r}; it must be the path of one font, a .ttf or .otf file (no collection).")
    return value


def same_origin(name: str) -> str:
    """A path of this installation, such as /static/logo.png, or nothing: pages load from nowhere else."""
    value = text(name, "")
    if value and not re.fullmatch(r"/[^/\\\s][^\\\s]*", value):
        raise BadSetting(f"{name} is {value!r}; it must be a path here, such as /static/img/logo.png, or be uploaded.")
    return value


SIGNUP_FORM = re.compile(r"open|invite|closed|domain:[a-z0-9.-]+\.[a-z]{2,}(,[a-z0-9.-]+\.[a-z]{2,})*")


def signup(name: str) -> str:
    """Who may sign up: open, invite, closed, domain:example.com (more domains after commas), or nothing."""
    value = text(name, "").lower()
    if value and not SIGNUP_FORM.fullmatch(value):
        raise BadSetting(f"{name} is {value!r}; it must be open, invite, closed or domain:example.com.")
    return value


def secret(name: str, *, length_min: int = 32) -> str:
    """A secret from NAME or the file NAME_FILE; an empty, short or placeholder one is refused."""
    value = _raw(name)
    fix = f"Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))' and set {name} or {name}_FILE."
    if not value:
        raise BadSetting(f"{name} is missing or empty. {fix}")
    if any(value.lower().startswith(mark) for mark in PLACEHOLDERS):
        raise BadSetting(f"{name} is still a placeholder. {fix}")
    if len(value) < length_min:
        raise BadSetting(f"{name} has {len(value)} characters; at least {length_min} are needed. {fix}")
    return value


def fernet_keys(name: str) -> list[str]:
    """A comma-separated list of Fernet keys, newest first, as a secret."""
    keys = [key.strip() for key in secret(name).split(",") if key.strip()]
    for key in keys:
        try:
            sound = len(base64.urlsafe_b64decode(key)) == 32
        except ValueError:
            sound = False
        if not sound:
            make = "python3 -c 'import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())'"
            raise BadSetting(f"{name} holds something that is no Fernet key. Make one with: {make}")
    return keys
