"""Chaos proves itself: each fault that is planted on purpose is found, and found for what it is."""

import pytest

from tests.chaos.plants import PLANTS
from tests.chaos.stage import play

FOUND = {
    "drop_settle": "is in the ledger 0 times",
    "double_settle": "is in the ledger 2 times",
    "ack_before_commit": "is in the ledger 0 times",
    "double_release": "its reservations say",
    "double_top_up": "and credited 2 times",
    "short_top_up": "cents, and credited",
}


# What does not hide one another shares an installation: starting one takes longer than the load.
SHARED = [
    ("drop_settle", "short_top_up"),
    ("double_settle", "double_top_up"),
    ("ack_before_commit",),
    ("double_release",),
]


@pytest.mark.parametrize("planted", SHARED, ids=" ".join)
def test_a_planted_fault_is_found(planted, tmp_path_factory):
    folder = tmp_path_factory.mktemp("chaos")
    report = play(folder, seconds=5, seed=1, planted=planted, deeds=("kill-web",), say=lambda _line: None)
    for plant in planted:
        assert any(FOUND[plant] in fault for fault in report.faults), (plant, report.faults[:20])


def test_every_plant_is_tried():
    assert {plant for planted in SHARED for plant in planted} == set(FOUND) == set(PLANTS)
