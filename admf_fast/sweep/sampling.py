"""Points of the unit cube that sets are drawn by: random, Latin hypercube, Sobol."""

import numpy as np
from numpy.typing import NDArray

from admf_fast.config import SampleSpec
from admf_fast.errors import ConfigError


def draws(spec: SampleSpec, dimensions: int) -> list[list[float]]:
    """Return `spec.sets` points, each with so many shares in [0, 1)."""
    if spec.method == "random":
        generator = np.random.Generator(np.random.Philox(spec.seed))
        return _rows(generator.random((spec.sets, dimensions)))
    return _rows(_spread(spec, dimensions))


def _rows(points: NDArray[np.float64]) -> list[list[float]]:
    rows: list[list[float]] = points.tolist()
    return rows


def _spread(spec: SampleSpec, dimensions: int) -> NDArray[np.float64]:
    try:
        from scipy.stats import qmc
    except ImportError as error:
        raise ConfigError(
            f"sweep.sample.method: {spec.method} needs SciPy: pip install 'admf-fast[sweep]', "
            "or use random"
        ) from error
    random = np.random.Generator(np.random.Philox(spec.seed))
    if spec.method == "latin_hypercube":
        return np.asarray(qmc.LatinHypercube(dimensions, rng=random).random(spec.sets))
    # The points are balanced in powers of two; the first of them are taken.
    power = max(spec.sets - 1, 0).bit_length()
    points = qmc.Sobol(dimensions, rng=random).random_base2(power)
    return np.asarray(points[: spec.sets])
