"""Settings for tools that only read the code (the type checker): no server is behind these addresses."""

import os

os.environ.setdefault("XROUTE_MODE", "test")
os.environ.setdefault("SECRET_KEY", "for-the-type-checker-only-and-nothing-else")
os.environ.setdefault("XROUTE_ENCRYPTION_KEYS", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")
os.environ.setdefault("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")

from xroute.settings import *  # noqa: F403
