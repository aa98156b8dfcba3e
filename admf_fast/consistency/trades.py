"""The trades of two runs side by side, and the difference in money taken apart."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

Row = dict[str, Any]
WorthOf = Callable[[str], float]
FIELDS = ("entry_ts", "ts", "lots", "entry_price", "exit_price", "fees", "pnl", "reason")


class Money(NamedTuple):
    """A difference in account currency, the second run's minus the first's, by its causes.

    The parts add up to the difference in profit. `other` is what prices, quantities and fees
    of trades do not explain: dividends, currencies, the last bits of rounding. `open` is what is
    not in a closed trade: open positions, and the costs of holding them.
    """

    entry_price: float = 0.0
    exit_price: float = 0.0
    quantity: float = 0.0
    fees: float = 0.0
    other: float = 0.0
    only_first: float = 0.0
    only_second: float = 0.0
    open: float = 0.0

    @property
    def total(self) -> float:
        """The difference in profit."""
        return sum(self)

    def to_json(self) -> dict[str, float]:
        """Return it as plain data, with the total."""
        return {**self._asdict(), "total": self.total}


class TradePair(NamedTuple):
    """Trades of two runs that are the same one, or a trade that only one run has."""

    first: Row | None
    second: Row | None
    money: Money

    @property
    def same(self) -> bool:
        """Whether both runs have it, equal in every bit."""
        if self.first is None or self.second is None:
            return False
        return all(repr(self.first[name]) == repr(self.second[name]) for name in FIELDS)

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"first": self.first, "second": self.second, "same": self.same,
                "money": self.money.to_json()}  # fmt: skip


def matched(first: Sequence[Row], second: Sequence[Row], worth_of: WorthOf) -> list[TradePair]:
    """Return the trades of two runs side by side, by the time of their entry.

    Trades are the same if instrument, direction and entry are; of those left, the ones that
    overlap in time. `worth_of` gives, by symbol, the account currency of a lot at price 1.
    """
    waiting: defaultdict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in second:
        waiting[_key(row)].append(row)
    pairs: list[tuple[Row | None, Row | None]] = []
    left = []
    for row in first:
        found = waiting[_key(row)]
        if found:
            pairs.append((row, found.pop(0)))
        else:
            left.append(row)
    rest = sorted((r for rows in waiting.values() for r in rows), key=_begins)
    for row in left:
        near = [r for r in rest if _overlap(row, r)]
        chosen = min(near, key=lambda r: abs(r["entry_ts"] - row["entry_ts"]), default=None)
        if chosen is not None:
            rest.remove(chosen)
        pairs.append((row, chosen))
    pairs += [(None, row) for row in rest]
    made = [TradePair(a, b, _money(a, b, worth_of)) for a, b in pairs]
    return sorted(made, key=lambda pair: _begins(pair.first or pair.second or {}))


def _key(row: Row) -> tuple[Any, ...]:
    return row["symbol"], row["lots"] > 0, row["entry_ts"]


def _begins(row: Row) -> tuple[int, int]:
    return row["entry_ts"], row["ts"]


def _overlap(a: Row, b: Row) -> bool:
    alike = a["symbol"] == b["symbol"] and (a["lots"] > 0) == (b["lots"] > 0)
    return bool(alike and a["entry_ts"] <= b["ts"] and b["entry_ts"] <= a["ts"])


def _money(a: Row | None, b: Row | None, worth_of: WorthOf) -> Money:
    """Return where the difference of a pair comes from: prices at the first's quantity first."""
    if a is None or b is None:
        first = -a["pnl"] if a is not None else 0.0
        return Money(only_first=first, only_second=b["pnl"] if b is not None else 0.0)
    worth = worth_of(a["symbol"])
    entry = -a["lots"] * worth * (b["entry_price"] - a["entry_price"])
    exit_ = a["lots"] * worth * (b["exit_price"] - a["exit_price"])
    quantity = (b["lots"] - a["lots"]) * worth * (b["exit_price"] - b["entry_price"])
    fees = a["fees"] - b["fees"]
    other = b["pnl"] - a["pnl"] - (entry + exit_ + quantity + fees)
    # Plus 0.0: no "-0.0" where nothing differs.
    return Money(entry + 0.0, exit_ + 0.0, quantity + 0.0, fees + 0.0, other + 0.0)


def attributed(pairs: Iterable[TradePair], profit: float) -> Money:
    """Return the sums over all pairs; `profit` is the difference that they must come to."""
    sums = [0.0] * len(Money._fields)
    for pair in pairs:
        sums = [x + y for x, y in zip(sums, pair.money, strict=True)]
    made = Money(*sums)
    return made._replace(open=profit - made.total)
