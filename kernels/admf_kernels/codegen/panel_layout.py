"""What lies where for the panel driver: its tables, its notes, and the state of a panel."""

from collections.abc import Sequence

from admf_kernels.codegen import desk, run_state
from admf_kernels.codegen.desk import PRICES
from admf_kernels.codegen.engine import Form
from admf_kernels.contract import Strategy
from admf_kernels.execution import metrics, orders, records
from admf_kernels.layout import fields_of

# Moments whose features are made before the first of them is gone through: few enough that
# what they need of all legs stays in the second-level cache.
TILE_MOMENTS = 256

TABLE_NAMES = (
    "strategy", "state", "shared_keys", "leg_keys", "slot", "legs", "leg_tables", "moments",
    "rows", "stride", "execute", "engine", "checksum", "out_sequence", "out_cash", "out_equity",
    "out_market", "positions", "position_capacity", "progress", "rotation",
)  # fmt: skip
# How many rows of positions are written; the leg whose features failed.
PROGRESS = ("positions", "failed")
# Notes of each leg, word after word: account currency of a lot at price 1, the hash of what
# only the engine changes, whether it was called, the signal, the score, the signal of its rank,
# the row of its bar at this moment (below 0 for none), its first row of the block and the
# next one without features, whether it has a bar at every moment of the tile, and what a
# moment's number, or else its place in the block, is from its row.
NOTES = (
    "worth", "kept", "called", "signal", "score", "rank", "row", "first", "next", "dense", "lead",
)  # fmt: skip
REAL_NOTES = ("worth", "signal", "score", "rank")
# Then where things are, its extra columns and its features.
LEG = (
    *NOTES, "ready", "engine_table", "program", "state", "slot", "fx", "sector", "checksum",
    *PRICES,
)  # fmt: skip
POSITION = (("ts_ns", "i"), ("sequence", "i"), ("instrument", "i"), ("signal", "f"), ("lots", "i"))
SHARED: dict[str, type] = {
    "curve": metrics.Curve, "turn": records.Turn, "sums": metrics.Sums, **records.SHARED,
}  # fmt: skip


def word(name: str) -> str:
    """Return the whole number at a place in the table of the leg at hand."""
    return f"leg[{LEG.index(name)}]"


def real(name: str) -> str:
    """Return the float at a place in the table of the leg at hand."""
    return f"leg_f[{LEG.index(name)}]"


def leg_width(features: Sequence[str], form: Form) -> int:
    """Return how many words the table of one leg takes."""
    return len(LEG) + len(desk.extras(form.uses)) + len(features)


def leg_groups(kernel: Strategy, form: Form) -> dict[str, type]:
    """Return the state groups of one leg in memory order; its working orders follow."""
    seen = {"seen": records.Seen} if form.uses.actions else {}
    own = {"s": kernel.state} if kernel.stateful else {}
    return {"mark": records.Mark, **seen, **own, **records.OWN}


def offsets(groups: dict[str, type], first: int = 0) -> dict[str, int]:
    """Return the word at which each group begins, ``slots`` for what follows them."""
    found, at = {}, first
    for name, cls in groups.items():
        found[name] = at
        at += len(fields_of(cls))
    return {**found, "slots": at}


def leg_words(kernel: Strategy, form: Form) -> int:
    """Return how many words the state of one leg takes."""
    first = offsets(leg_groups(kernel, form))["slots"]
    return first + orders.places(form.uses) * run_state.ORDER_WORDS


def shared_words() -> int:
    """Return how many words the shared state takes, the counter of moments included."""
    return offsets(SHARED, 1)["slots"]


def kept_leg_places(kernel: Strategy, form: Form) -> range:
    """Return the places, in a leg's checksum, of the words that only the engine changes."""
    return range(offsets(leg_groups(kernel, form))["q"], leg_words(kernel, form))


def kept_shared_places() -> range:
    """Return the places, in the shared checksum, of the sums and of what the engine changes."""
    shared = offsets(SHARED)
    return range(shared["sums"], shared["slots"])
