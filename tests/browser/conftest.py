"""Chromium, and an installation of `make run` for the browser tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.browser.chrome import chrome, executable
from tests.stack import Stack, running


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Per module: as long as Playwright runs, its event loop stands in the way of asynchronous tests."""
    if executable() is None:
        why = "no Chromium here: apt-get install chromium, or name one in CHROMIUM"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    with chrome() as found:
        yield found


@pytest.fixture(scope="module")
def stack(tmp_path_factory) -> Iterator[Stack]:
    with running(Path(tmp_path_factory.mktemp("browser")) / "data") as found:
        yield found
