"""How properties are tried: the same examples in every run, and a search for new ones when it is asked for.

`pytest -m hypothesis --hypothesis-profile=search --timeout=600` looks further; the nightly script does.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# A busy machine is no failure, so neither profile looks at a clock.
_PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("steady", _PATIENT, derandomize=True)
settings.register_profile("search", _PATIENT, max_examples=2_000)
settings.load_profile("steady")
