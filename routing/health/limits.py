"""Thresholds of health. Times in seconds."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """An endpoint is out after `failures_in_row`, or `failure_rate` of at least `rate_samples_min` in `window_s`.

    It stays out for `ejection_s` times the number of ejections since it last recovered, at most `ejection_max_s`;
    then one probe is let through, for at most `probe_s`. Retries are at most `retry_share` of the requests of
    `retry_window_s`, but `retries_min` are always allowed, so that a quiet service can fail over too.
    """

    failures_in_row: int = 5
    failure_rate: float = 0.5
    rate_samples_min: int = 20
    window_s: float = 10
    ejection_s: float = 30
    ejection_max_s: float = 300
    probe_s: float = 600
    outage_s: float = 30
    cooldown_s: float = 5
    cooldown_max_s: float = 60
    retry_share: float = 0.2
    retries_min: int = 10
    retry_window_s: float = 10
