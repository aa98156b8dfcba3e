"""Sweeps: many parameter sets of one configuration, each equal to the run of it alone.

``from admf_fast import sweep`` is a function: calling this package is calling `sweep`.
"""

import sys
from types import ModuleType
from typing import Any

from admf_fast.config import Config


def sweep(
    config: Config, data: object | None = None, *, out: Any = None, threads: int | None = None
) -> Any:
    """Run the section ``sweep`` of a configuration and return its results.

    Parameters
    ----------
    config : Config
        With a section ``sweep``.
    data : optional
        Bars as a frame of polars or pandas or another Arrow object, instead of files; for
        several instruments a mapping of them by symbol.
    out : path, optional
        Where the results are written too; a stopped sweep goes on from what it finds there.
    threads : int, optional
        As many as there are cores.

    Returns
    -------
    DataFrame or Table
        One row for each set and instrument, in the order of the sets; of the same library as
        `data`, a pyarrow Table where that is none.

    Raises
    ------
    ConfigError, DataError, StateError
    """
    from admf_fast.sweep.frames import sweep_frame

    return sweep_frame(config, data, out=out, threads=threads)


class _Callable(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return sweep(*args, **kwargs)


# A package and a function of one name: whichever of the two an import finds can be called.
sys.modules[__name__].__class__ = _Callable
