#!/usr/bin/env python
"""Django's command line. Without DATABASE_URL it uses the servers of `make run` (see xroute/embedded)."""

import os
import sys
from pathlib import Path


def main() -> None:
    venv_python = Path(__file__).resolve().parent / ".venv" / "bin" / "python"
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ImportError:
        if venv_python.exists() and Path(sys.prefix) != venv_python.parent.parent:
            os.execv(venv_python, [str(venv_python), *sys.argv])  # noqa: S606
        raise SystemExit("Django is not installed here. Run `make run` once; it makes .venv.") from None
    from xroute.embedded.session import servers
    from xroute.lib.env import BadSetting

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "xroute.settings")
    try:
        with servers():
            execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, BadSetting) as error:
        raise SystemExit(f"XRoute cannot start: {error}") from None


if __name__ == "__main__":
    main()
