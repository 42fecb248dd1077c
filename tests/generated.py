"""Settings for generated examples in unit tests: the same ones each time, however busy the machine is."""

from hypothesis import HealthCheck, settings

steady = settings(
    max_examples=100,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
