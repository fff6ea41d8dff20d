"""Python reads this first where PYTHONPATH names its folder: in web workers it plants the fault of CHAOS_PLANT."""

import os
import sys
from pathlib import Path

if "xroute.web" in sys.orig_argv and os.environ.get("CHAOS_PLANT"):
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    from tests.chaos import plants

    plants.plant(os.environ["CHAOS_PLANT"])
