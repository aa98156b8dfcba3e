"""What the engine's tests are given."""

import pytest

from tests.engine.stage import Mirrored


@pytest.fixture(params=[(e, s) for e in ("plain", "compiled") for s in (False, True)],
                ids=lambda p: f"{p[0]}-{'short' if p[1] else 'long'}")  # fmt: skip
def play(request) -> Mirrored:
    """Run a directed case: in plain Python or compiled, as it is written or mirrored."""
    return Mirrored(*request.param)
