"""Time limits of single examples would only measure how busy the machine is."""

from hypothesis import HealthCheck, settings

settings.register_profile("routing", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("routing")
