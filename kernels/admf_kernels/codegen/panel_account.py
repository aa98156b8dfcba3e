"""Pieces of the panel driver about the account as a whole: exposure, worth, equity, the market."""

from collections.abc import Sequence

from admf_kernels.codegen import desk
from admf_kernels.codegen.engine import Form
from admf_kernels.codegen.panel_layout import LEG, leg_groups, leg_width, offsets, real, word
from admf_kernels.codegen.text import indent
from admf_kernels.contract import Strategy


class Panel:
    """What the pieces of one panel driver are made for.

    Lines that follow `leg_lines` know the leg at hand by the names it gives.
    """

    def __init__(
        self, kernel: Strategy, features: Sequence[str], form: Form, *, rotates: bool,
        converts: bool,
    ) -> None:  # fmt: skip
        self.kernel, self.features, self.form = kernel, tuple(features), form
        self.rotates, self.converts = rotates, converts
        self.groups = leg_groups(kernel, form)
        self.at = {name: 8 * place for name, place in offsets(self.groups).items()}
        self.width = leg_width(features, form)

    def leg_lines(self, index: str = "i", name: str = "leg") -> list[str]:
        """Return the lines that reach the table of a leg, as words and as floats."""
        at = f"leg_tables + {8 * self.width} * {index}"
        return [f"{name} = words_at({at})", f"{name}_f = floats_at({at})"]

    def each(self, lines: list[str]) -> list[str]:
        """Return the lines that do something for every leg."""
        return ["for i in range(legs):", *indent([*self.leg_lines(), *lines])]

    def each_bar(self, lines: list[str]) -> list[str]:
        """Return the lines that do something for every leg that has a bar at the moment."""
        return self.each([f"r = {word('row')}", "if r >= 0:", *indent(lines)])

    def column(self, name: str) -> str:
        """Return the pointer to a feature's column of the leg at hand."""
        first = len(LEG) + len(desk.extras(self.form.uses))
        return f"floats_at(leg[{first + self.features.index(name)}])"


def expose_lines(p: Panel) -> list[str]:
    """Return the lines that write the exposure of the whole account for leg ``i``.

    What orders of signals still work towards counts as held, so that limits cannot be passed
    by several orders of one moment.
    """
    state, sector = LEG.index("state"), LEG.index("sector")
    return [
        "exposure.equity = wallet.cash",
        "exposure.gross = 0.0",
        "exposure.net = 0.0",
        "exposure.sector = 0.0",
        "exposure.price = mark.price",
        "for j in range(legs):",
        *indent(p.leg_lines("j", "other")),
        f"    base = other[{state}]",
        f"    price = at_Mark(base).price * other_f[{LEG.index('worth')}]",
        f"    there = at_Position(base + {p.at['q']})",
        f"    entry = at_Order(base + {p.at['slots']})",
        "    exposure.equity += there.lots * price",
        "    lots = there.lots if j == i or entry.id == 0 or entry.to_goal == 0 else entry.goal",
        "    exposure.net += lots * price",
        "    exposure.gross += abs(lots * price)",
        f"    if other[{sector}] == leg[{sector}]:",
        "        exposure.sector += abs(lots * price)",
    ]


def worth_lines(p: Panel) -> list[str]:
    """Return the lines that convert each leg's lot into account currency at the last rates."""
    return p.each([
        f"words = words_at({word('engine_table')})",
        f"worth = {desk.record_of('n', 'words')}.lot_value",
        f"if {word('fx')} >= 0:",
        *indent(p.leg_lines(word("fx"), "rated")),
        f"    worth = worth * at_Mark(rated[{LEG.index('state')}]).price",
        f"{real('worth')} = worth",
    ])  # fmt: skip


def value_lines(p: Panel) -> list[str]:
    """Return the lines that add the value of all positions to ``equity``; ``held`` counts them."""
    return ["held = 0", *p.each([f"own = {word('state')}", "mark = at_Mark(own)", *_value(p)])]


def _value(p: Panel) -> list[str]:
    return [
        f"there = at_Position(own + {p.at['q']})",
        f"equity += there.lots * {real('worth')} * mark.price",
        "if there.lots != 0.0:",
        "    held += 1",
    ]


def mark_lines(p: Panel) -> list[str]:
    """Return the lines that take the closes of a moment: each leg's mark, equity, and the market.

    The market's level is the mean of prices over first prices, as features see them. Where
    no leg `converts` its currency by another's price, what a lot is worth does not change.
    """
    level, see = "mark.price", list[str]()
    if p.form.uses.actions:
        level = "seen.price"
        see = [f"seen.price = {p.column('close')}[r]"]
    taken = [
        f"mark.price = floats_at({word('close')})[r]",
        *see,
        "if mark.bars == 1:",
        f"    mark.first_price = {level}",
    ]
    lines = [
        f"own = {word('state')}",
        "mark = at_Mark(own)",
        *(f"seen = at_Seen(own + {p.at['seen']})" for _ in see),
        f"r = {word('row')}",
        "if r >= 0:",
        *indent(taken),
        "if mark.bars > 0:",
        "    priced += 1",
        f"    index += {level} / mark.first_price",
        *([] if p.converts else _value(p)),
    ]
    return [
        "equity, index, held, priced = wallet.cash, 0.0, 0, 0",
        *p.each(lines),
        "index = index / priced if priced > 0 else 1.0",
        *([*worth_lines(p), *value_lines(p)] if p.converts else []),
    ]
