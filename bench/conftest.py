"""How much the benchmarks take on: little as tests, a million bars when they are timed."""

import pytest

from bench.figure import FULL, QUICK


@pytest.fixture
def bar_count(request: pytest.FixtureRequest) -> int:
    """Return how many bars a benchmark runs over."""
    return (QUICK if request.config.option.benchmark_disable else FULL).bars
