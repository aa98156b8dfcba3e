"""What a run uses of the engine: derived from its terms, never set by hand."""

from admf_kernels.errors import KernelError
from admf_kernels.execution.costs import standard_fee
from admf_kernels.execution.reasons import AT_CLOSE, AT_OPEN, DAY, KINDS, MARKET
from admf_kernels.execution.terms import (
    ATR,
    FOLLOWS_EVEN,
    FOLLOWS_TRAIL,
    NO_DISTANCE,
    REQUESTS_MAX,
    SAME_CLOSE,
    TARGETS_MAX,
    VOLATILITY,
    Account,
    Entry,
    Exits,
    Instrument,
    Limits,
    Terms,
    Uses,
)

SESSION_KINDS = (AT_OPEN, AT_CLOSE)
assert max(SESSION_KINDS) < len(KINDS)
# What the engine is compiled with, at most: orders that fill at once and exits by signal alone;
# orders that wait, brackets, exits by age and at a session's end; everything.
EDITIONS = (
    Uses(same_close=True),
    Uses(
        resting=True, leaving=True, brackets=True, targets=TARGETS_MAX,
        following=FOLLOWS_TRAIL | FOLLOWS_EVEN, sessions=True, clock=True, atr=True,
        same_close=True, session_end=True, max_bars=True,
    ),
    Uses(*(True for _ in Uses._fields))._replace(
        targets=TARGETS_MAX, following=FOLLOWS_TRAIL | FOLLOWS_EVEN, requests=REQUESTS_MAX
    ),
)  # fmt: skip


def edition_of(uses: Uses) -> Uses:
    """Return the smallest edition of the engine that has all that a run uses."""
    found = next((e for e in EDITIONS if _covers(e, uses)), None)
    if found is None:
        raise KernelError(f"expected uses that an edition of the engine has, found {uses}")
    return found


def _covers(edition: Uses, uses: Uses) -> bool:
    more = uses.following & ~edition.following
    return not more and all(u <= most for u, most in zip(uses, edition, strict=True))


def left_out(edition: Uses) -> dict[str, bool | int]:
    """Return the fields of `Uses` that are off in an edition, with that value."""
    return {name: most for name, most in edition._asdict().items() if not most}


def no_size(
    signal: float, equity: float, close: float, worth: float, atr: float, deviation: float
) -> float:
    """Stand where a run has no sizing kernel of its own; never called."""
    return 0.0


def uses_of(
    a: Account, n: Instrument, e: Entry, x: Exits, r: Limits, *, requests: int = 0,
    clock: bool = False, actions: bool = False, venue: bool = False,
) -> Uses:  # fmt: skip
    """Return the smallest set of parts that these terms need."""
    limits = r._replace(flatten=True) != Limits()
    margin = a.leverage != 1.0 or a.maintenance > 0.0
    brackets = any(u != NO_DISTANCE for u in (x.stop, x.target, x.trail, x.even)) or requests > 0
    waits = e.kind != MARKET
    volume = a.participation > 0.0
    daily = r.day_loss > 0.0 or r.day_orders > 0.0 or r.day_trades > 0.0
    units = (x.stop, x.target, x.trail, x.even, e.unit)
    return Uses(
        resting=waits or volume or brackets or requests > 0 or x.session_end,
        leaving=waits or a.exit_first or x.max_bars > 0.0 or x.session_end or limits or margin,
        brackets=brackets,
        targets=_targets(x, requests),
        requests=requests,
        following=_following(x),
        sessions=x.session_end or daily or requests > 0 or e.tif == DAY or e.kind in SESSION_KINDS,
        clock=clock,
        atr=ATR in units,
        deviation=a.sizing == VOLATILITY,
        volume=a.participation > 0.0 or n.slippage_impact > 0.0,
        limits=limits,
        margin=margin,
        financing=a.interest_rate != 0.0 or n.borrow_rate != 0.0 or n.funding_rate != 0.0,
        actions=actions,
        same_close=a.fill == SAME_CLOSE,
        session_end=x.session_end,
        max_bars=x.max_bars > 0.0,
        venue=venue,
    )


def _following(x: Exits) -> int:
    trails = FOLLOWS_TRAIL if x.trail != NO_DISTANCE else 0
    return trails | (FOLLOWS_EVEN if x.even != NO_DISTANCE else 0)


def _targets(x: Exits, requests: int) -> int:
    if x.target == NO_DISTANCE:
        return 1 if requests > 0 else 0
    return 3 if x.part_3 > 0.0 else 2 if x.part_2 > 0.0 else 1


def make_terms(
    a: Account = Account(), n: Instrument = Instrument(), e: Entry = Entry(),  # noqa: B008
    x: Exits = Exits(), r: Limits = Limits(), *, requests: int = 0, clock: bool = False,  # noqa: B008
    actions: bool = False, fee_of: object = standard_fee, size_of: object = no_size,
) -> Terms:  # fmt: skip
    """Return the terms of a run, with the uses that follow from them."""
    uses = uses_of(a, n, e, x, r, requests=requests, clock=clock, actions=actions)
    return Terms(uses, a, n, e, x, r, fee_of, size_of)
