"""python -m xroute.embedded run"""

import sys

from xroute.embedded.running import run
from xroute.lib.env import BadSetting


def main() -> None:
    """The one command there is."""
    if sys.argv[1:] != ["run"]:
        sys.exit("usage: python -m xroute.embedded run")
    try:
        run()
    except (BadSetting, RuntimeError) as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
