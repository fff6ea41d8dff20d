"""Chaos proves itself: each fault that is planted on purpose is found, and found for what it is."""

import pytest

from tests.chaos.stage import play

FOUND = {
    "drop_settle": "is in the ledger 0 times",
    "double_settle": "is in the ledger 2 times",
    "ack_before_commit": "is in the ledger 0 times",
    "double_release": "its reservations say",
    "double_top_up": "and credited 2 times",
    "short_top_up": "cents, and credited",
}


@pytest.mark.parametrize("plant", FOUND)
def test_a_planted_fault_is_found(plant, tmp_path_factory):
    folder = tmp_path_factory.mktemp("chaos")
    report = play(folder, seconds=5, seed=1, plant=plant, deeds=("kill-web",), say=lambda _line: None)
    assert any(FOUND[plant] in fault for fault in report.faults), report.faults[:20]
