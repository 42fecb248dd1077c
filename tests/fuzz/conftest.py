"""How many examples, and a namespace of the session's own to judge them in.

CI takes the same examples each time, so that it never fails for luck; `make fuzz` takes other ones each time.
"""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from lab import Lab
from tests.fuzz.judge import Judge

# The time of an example is the API server's, which does not keep to a limit; explaining a failure would take
# thousands of requests more.
_SLOW: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.too_slow],
    "phases": [Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
}
settings.register_profile("ci", max_examples=500, derandomize=True, database=None, **_SLOW)
settings.register_profile("fuzz", max_examples=5000, print_blob=True, **_SLOW)
settings.load_profile("ci")


@pytest.fixture(scope="session")
def judge(lab: Lab) -> Iterator[Judge]:
    namespace = f"fuzz-{uuid.uuid4().hex[:6]}"
    lab.kubectl("create", "namespace", namespace)
    lab.kubectl("label", "namespace", namespace, "istio-injection=enabled")
    judge = Judge(lab, namespace)
    yield judge
    judge.close()
    lab.kubectl("delete", "namespace", namespace, "--wait=false")
