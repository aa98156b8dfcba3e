"""The memory of the lane driver: what lies as ``[field][lane]``, and how source reaches it."""

import re
from collections.abc import Sequence

from admf_kernels.codegen import engine
from admf_kernels.codegen.engine import Form
from admf_kernels.codegen.text import class_name
from admf_kernels.contract import ADJUSTMENT, Strategy
from admf_kernels.execution import metrics, records, terms
from admf_kernels.layout import fields_of

LANES = 8  # of 64 bits: one register of the widest
TURNED = 8  # rows that `transpose` takes
ROWS = 8 * TURNED  # whose features are put beside each other at a time
# What the passes read of the groups that only the engine changes.
MIRRORED: dict[str, tuple[str, ...]] = {
    "q": ("lots", "entry_price"),
    "wallet": ("cash",),
    "intent": ("signal", "blocked", "again", "working", "below", "above"),
    "guard": ("day",),
}
# Where a stop follows the price, the passes move it, and with it what `heed` has noted.
FOLLOWED: dict[str, tuple[str, ...]] = {
    "q": ("stop", "stop_role"),
    "intent": ("below", "above"),
}
CLASSES: dict[str, type] = {**records.SHARED, **records.OWN, "curve": metrics.Curve}
# Whether a pass has left a bar to the lane, what the strategy wanted, and why and on which bar a
# number could not be used.
NOTES = ("flag", "wanted", "status")
FIXED: dict[str, type] = {n: terms.CONSTANTS[n] for n in ("a", "n", "x")}


def follows(form: Form) -> bool:
    """Return whether the passes move the stop of a position that nothing else happens to."""
    return form.uses.following != 0 and not (form.uses.venue or form.general)


def mirrored(form: Form) -> list[tuple[str, str]]:
    """Return what the passes have of the groups that else only the engine changes."""
    more = (*_pairs(FOLLOWED), ("q", "entry_atr")) if follows(form) else ()
    return list(dict.fromkeys((*_pairs(MIRRORED), *more)))


def _pairs(groups: dict[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    return [(n, f) for n, names in groups.items() for f in names]


def hot_fields(kernel: Strategy, form: Form) -> list[tuple[str, str]]:
    """Return what `hot` holds, in order: group or "" and field."""
    held = [("s", f.name) for f in fields_of(kernel.state)] if kernel.stateful else []
    held += [(n, f.name) for n, cls in engine.EVERY_BAR.items() for f in fields_of(cls)]
    held += mirrored(form)
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
        self.hot = {key: k for k, key in enumerate(hot_fields(kernel, form))}
        self.fixed = {key: k for k, key in enumerate(fixed_fields(kernel))}
        self.changed = self._changed()
        self.words = engine.state_words(kernel, form.uses)
        self.adjusted = ADJUSTMENT in features

    def _changed(self) -> list[tuple[str, str]]:
        """Return what passes and engine both change."""
        own = [(n, f.name) for n, cls in engine.EVERY_BAR.items() for f in fields_of(cls)]
        return [*own, *(_pairs(FOLLOWED) if follows(self.form) else ())]

    def values(self) -> list[str]:
        """Return the lines that read the features of lane ``k``."""
        at = f"values[(row * {len(self.features)} + {{j}}) * LANES + k]"
        return [f"value_{name} = {at.format(j=j)}" for j, name in enumerate(self.features)]

    def kind(self, group: str, field: str) -> str:
        """Return the kind of a field of a group: float, int or bool."""
        if group == "":
            return "float" if field == "wanted" else "int"
        if group == "s":
            cls: type = self.kernel.state
        elif group == "c":
            cls = self.kernel.constants
        else:
            cls = FIXED.get(group) or CLASSES[group]
        return {f.name: f.kind for f in fields_of(cls)}[field]

    def word(self, group: str, field: str) -> str:
        """Return where a field of lane ``k`` is read."""
        held, memory = (self.hot, "hot") if (group, field) in self.hot else (self.fixed, "fixed")
        return f"{memory}[{held[group, field]} * LANES + k]"

    def target(self, group: str, field: str) -> str:
        """Return where a field of lane ``k`` is written."""
        return f"hot[{self.hot[group, field]} * LANES + k]"

    def read(self, group: str, field: str) -> str:
        """Return the expression of a field of lane ``k``."""
        word = self.word(group, field)
        kind = self.kind(group, field)
        if kind == "float":
            return f"from_bits({word})"
        return f"{word} != 0" if kind == "bool" else word

    def write(self, group: str, field: str, value: str) -> str:
        """Return the line that writes a field of lane ``k``."""
        kind = self.kind(group, field)
        word = f"bits_of({value})" if kind == "float" else f"int({value})"
        return f"{self.target(group, field)} = {word}"

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
