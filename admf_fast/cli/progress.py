"""Progress of long work on standard error: bars done, bars per second, time left."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

DELAY_S = 1.0  # shorter work shows nothing

Advance = Callable[[int], None]


def watched() -> bool:
    """Whether somebody looks at standard error."""
    return sys.stderr is not None and sys.stderr.isatty()


@contextlib.contextmanager
def progress(
    what: str, total: Callable[[], int | None], *, quiet: bool = False
) -> Iterator[Advance | None]:
    """Yield a function that takes the number of bars done since its last call.

    None, and `total` is not asked, if `quiet` or when standard error is no terminal.
    """
    if quiet or not watched():
        yield None
        return
    from tqdm import tqdm

    with tqdm(
        desc=what, total=total(), unit=" bars", unit_scale=True, delay=DELAY_S, leave=False,
        dynamic_ncols=True, file=sys.stderr,
    ) as shown:  # fmt: skip

        def advance(bars: int) -> None:
            shown.update(bars)

        yield advance
