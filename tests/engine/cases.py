"""What directed cases of the engine are written with: terms in price units, ten lots, near 100.

A bar is open, high, low, close[, volume]. The signal is acted on at the close of bar 0 and
fills at the open of bar 1, at 100, unless a case says otherwise. The fixture `play` runs a
case, which is written for a long position, on both sides and in both forms.
"""

from typing import Any

from admf_kernels.execution.terms import AMOUNT, FIXED, Account, Entry, Exits, Instrument
from admf_kernels.execution.uses import make_terms

TEN = Account(sizing=FIXED, sizing_value=10.0)
FLAT = (100, 100, 100, 100)
LONG, NONE = 1.0, 0.0


def terms_of(
    e: Entry | None = None, x: Exits | None = None, *, n: Instrument | None = None,
    requests: int = 0, clock: bool = False, **account: Any,
):  # fmt: skip
    return make_terms(
        TEN._replace(**account), n or Instrument(), e or Entry(), x or Exits(),
        requests=requests, clock=clock,
    )  # fmt: skip


def exits(**values: Any) -> Exits:
    """Distances in price units."""
    units = {"stop": "stop_value", "target": "target_1", "trail": "trail_value"}
    given = {name: AMOUNT for name in units if name in values}
    given |= {units.get(name, name): value for name, value in values.items()}
    if "even_value" in values:
        given["even"] = AMOUNT
    return Exits(**given)


def entry(kind: int, **values: Any) -> Entry:
    return Entry(kind, unit=AMOUNT, **values)


def fills(made) -> list[tuple]:
    return made.pick("fills", "bar", "lots", "price")


STOP_AT_95, TARGET_AT_110 = exits(stop=5.0), exits(target=10.0)


def clock(minutes_left, session=0.0):
    return {"session": session, "minutes_left": float(minutes_left)}
