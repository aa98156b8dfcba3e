"""What lies where for the engine: the blocks of its table, and the columns it reads.

Table: an address for each of `BLOCKS`, then one column of each input of the bar, 0 where a run
has none. What lies in one block is known not to share memory, so that the compiler keeps it in
registers.
"""

from collections.abc import Mapping
from types import MappingProxyType

from admf_kernels.codegen.run_state import words_of
from admf_kernels.execution import log, records
from admf_kernels.execution.terms import CONSTANTS, Uses

NOTES: dict[str, type] = {
    "now": records.Now, "exposure": records.Exposure, "bar": records.Bar, "spare": records.Order,
    "news": records.News,
}  # fmt: skip
# What the engine works on, by what lies together and in that order. The working orders lie
# behind what is the instrument's own, the strategy's requests behind the notes.
BLOCKS: dict[str, dict[str, type]] = {
    "constants": CONSTANTS, "account": records.SHARED, "own": records.OWN, "notes": NOTES,
    "log": {"log": log.Log},
}  # fmt: skip
TABLE = tuple(BLOCKS)
BEHIND = {"slots": "own", "asked": "notes"}
PRICES = ("open", "high", "low", "close", "volume")
# What the engine reads besides the bar, one column each where a run uses it.
EXTRAS = ("session", "minutes_left", "atr", "atr_before", "deviation", "split", "dividend")
COLUMNS = ("ts_ns", *PRICES, *EXTRAS)


def address_of(name: str, table: str) -> str:
    """Return the expression for where a group, the orders or the requests are.

    `table` is the name of a pointer to the engine's table.
    """
    block = BEHIND.get(name) or next(b for b, groups in BLOCKS.items() if name in groups)
    names = list(BLOCKS[block])
    before = names[: names.index(name)] if name in names else names
    first = 8 * words_of({n: BLOCKS[block][n] for n in before})
    return f"{table}[{TABLE.index(block)}] + {first}"


def record_of(name: str, table: str) -> str:
    """Return the expression for the record of a group, the engine's table being `table`."""
    cls = next(groups[name] for groups in BLOCKS.values() if name in groups)
    return f"at_{cls.__name__}({address_of(name, table)})"


def terms_of(table: str) -> str:
    """Return the expression for the engine's `Terms`, given its table."""
    return f"Terms({', '.join(record_of(n, table) for n in CONSTANTS)}, fee_of, size_of)"


def desk_of(table: str, given: Mapping[str, str] = MappingProxyType({})) -> str:
    """Return the expression for the engine's `Desk`, given its table and names of other parts."""
    groups = (*records.SHARED, *records.OWN, "now", "exposure", "log")
    parts = {n: record_of(n, table) for n in groups} | {"slots": address_of("slots", table)}
    fields = {"exposure": "e"}
    return f"Desk({', '.join(f'{fields.get(n, n)}={p}' for n, p in {**parts, **given}.items())})"


def columns_at() -> dict[str, int]:
    """Return where in the engine's table the address of each column is."""
    return {name: len(TABLE) + k for k, name in enumerate(COLUMNS)}


def extras(uses: Uses) -> tuple[str, ...]:
    """Return the extra columns that a run with these uses reads, in order."""
    wanted = {
        "session": uses.sessions and uses.clock,
        "minutes_left": uses.sessions and uses.clock,
        "atr": uses.atr,
        "atr_before": uses.atr,
        "deviation": uses.deviation,
        "split": uses.actions,
        "dividend": uses.actions,
    }
    return tuple(name for name in EXTRAS if wanted[name])


def notes_at(name: str) -> int:
    """Return the word at which one of the engine's notes begins, or the requests behind them."""
    names = list(NOTES)
    return words_of({n: NOTES[n] for n in (names[: names.index(name)] if name in NOTES else names)})


def notes_words(requests: int) -> int:
    """Return how many words the notes take, with so many requests behind them."""
    return notes_at("asked") + requests * words_of({"request": records.Request})
