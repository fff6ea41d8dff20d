"""Celery tasks of routing. Each may run twice, or at the same time as itself."""

from celery import Celery, shared_task

from routing.measuring import batches_measure, figures_write, sums_prune

# With roll-ups every 5 s and workers that read every 10 to 15 s, what happened is known everywhere within 30 s.
FIGURES_EVERY_S, PRUNE_EVERY_S = 5.0, 900.0
ROUNDS_MAX = 40


@shared_task(name="routing.measure_endpoints", expires=20)
def measure_endpoints() -> int:
    """What endpoints did lately, for every worker to read."""
    for _ in range(ROUNDS_MAX):
        if not batches_measure():
            break
    return figures_write()


@shared_task(name="routing.prune_sums", expires=600)
def prune_sums() -> int:
    """Minutes of hours ago, quarters of months ago."""
    return sums_prune()


def schedule(app: Celery) -> None:
    """When they run."""
    app.add_periodic_task(FIGURES_EVERY_S, measure_endpoints.s(), name="measure endpoints")
    app.add_periodic_task(PRUNE_EVERY_S, prune_sums.s(), name="prune sums of endpoints")
