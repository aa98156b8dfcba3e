"""The memory of the lane driver: what lies as ``[field][lane]``, and how source reaches it."""

import re
from collections.abc import Sequence

from admf_kernels.codegen import engine
from admf_kernels.codegen.engine import Form
from admf_kernels.codegen.text import class_name
from admf_kernels.contract import ADJUSTMENT, Strategy
from admf_kernels.execution import metrics, records, terms
from admf_kernels.layout import fields_of

LANES = 64
ROWS = 8  # whose features are put beside each other at a time, as `transpose` does it
# What the passes read of the groups that only the engine changes.
MIRRORED: dict[str, tuple[str, ...]] = {
    "q": ("lots", "entry_price"),
    "wallet": ("cash",),
    "intent": ("signal", "blocked", "again", "working", "below", "above"),
    "guard": ("day",),
}
CLASSES: dict[str, type] = {**records.SHARED, **records.OWN, "curve": metrics.Curve}
# What a pass leaves for the engine, and the first bar on which a number could not be used.
NOTES = ("flag", "signal", "status")
FIXED: dict[str, type] = {n: terms.CONSTANTS[n] for n in ("a", "n", "x")}


def hot_fields(kernel: Strategy) -> list[tuple[str, str]]:
    """Return what `hot` holds, in order: group or "" and field."""
    held = [("s", f.name) for f in fields_of(kernel.state)] if kernel.stateful else []
    held += [(n, f.name) for n, cls in engine.EVERY_BAR.items() for f in fields_of(cls)]
    held += [(n, f) for n, names in MIRRORED.items() for f in names]
    asked = [f.name for f in fields_of(records.Request)]
    held += [(f"asked{k}", f) for k in range(kernel.orders) for f in asked]
    return [*held, *(("", n) for n in NOTES)]


def fixed_fields(kernel: Strategy) -> list[tuple[str, str]]:
    """Return the constants by lane, in order: group and field."""
    classes = {"c": kernel.constants, **FIXED} if "c" in kernel.arguments else FIXED
    return [(n, f.name) for n, cls in classes.items() for f in fields_of(cls)]


class LaneMemory:
    """Where the fields of one strategy's lanes lie, as driver source."""

    def __init__(self, kernel: Strategy, features: Sequence[str], form: Form) -> None:
        self.kernel = kernel
        self.features = list(features)
        self.form = form
        self.hot = {key: k for k, key in enumerate(hot_fields(kernel))}
        self.fixed = {key: k for k, key in enumerate(fixed_fields(kernel))}
        self.words = engine.state_words(kernel, form.uses)
        self.adjusted = ADJUSTMENT in features
        session = ("session", "minutes_left") if form.uses.sessions else ()
        corporate = ("split", "dividend") if form.uses.actions else ()
        self.scalars = ("t", "row", "seen", "ts_ns", *engine.PRICES, *session, *corporate)

    def kind(self, group: str, field: str) -> str:
        """Return the kind of a field of a group: float, int or bool."""
        if group == "":
            return "float" if field == "signal" else "int"
        if group == "s":
            cls: type = self.kernel.state
        elif group == "c":
            cls = self.kernel.constants
        elif group.startswith("asked"):
            cls = records.Request
        else:
            cls = FIXED.get(group) or CLASSES[group]
        return {f.name: f.kind for f in fields_of(cls)}[field]

    def read(self, group: str, field: str) -> str:
        """Return the expression of a field of lane ``k``."""
        held, memory = (self.hot, "hot") if (group, field) in self.hot else (self.fixed, "fixed")
        word = f"{memory}[{held[group, field]} * LANES + k]"
        kind = self.kind(group, field)
        if kind == "float":
            return f"from_bits({word})"
        return f"{word} != 0" if kind == "bool" else word

    def write(self, group: str, field: str, value: str) -> str:
        """Return the line that writes a field of lane ``k``."""
        kind = self.kind(group, field)
        word = f"bits_of({value})" if kind == "float" else f"int({value})"
        return f"hot[{self.hot[group, field]} * LANES + k] = {word}"

    def value(self, cls: type, group: str) -> str:
        """Return the expression of a whole group of lane ``k`` as its class."""
        return f"{class_name(cls)}({', '.join(self.read(group, f.name) for f in fields_of(cls))})"

    def with_reads(self, lines: list[str]) -> list[str]:
        """Return lines about records as lines about lane ``k``, preceded by what they read."""
        groups = "|".join((*MIRRORED, "book", "span", *FIXED))
        found: dict[str, str] = {}

        def local(match: re.Match[str]) -> str:
            group, field = match.groups()
            name = f"{group}_{field}"
            found[name] = f"{name} = {self.read(group, field)}"
            return name

        changed = [re.sub(rf"(?<![\w.])({groups})\.(\w+)\b", local, line) for line in lines]
        return [*found.values(), *changed]
