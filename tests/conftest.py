"""Settings of the whole suite: how hypothesis looks for counterexamples."""

import os

from hypothesis import HealthCheck, settings

# "ci": the same examples on every run, so that a red run can be run again; a slow machine is no failure.
# They are half of hypothesis's usual hundred, so that CI stays under its fifteen minutes.
settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True, print_blob=True)
# "explore": other examples each time, and many more (`make explore`).
settings.register_profile(
    "explore", deadline=None, max_examples=2_000, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
# "kernels": few examples, for kernels that run as plain Python (`make kernels`).
settings.register_profile("kernels", settings.get_profile("ci"), max_examples=10)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
