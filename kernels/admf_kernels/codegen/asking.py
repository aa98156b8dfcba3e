"""Asking a strategy about many rows before it is known what happens on them.

One whose wishes are no answer to its account can be asked about all rows of a call at once. The
compiler packs the rows of one without a memory, and what it wishes is read before another lane
is asked; one with a memory takes its rows one after the other, but the memories of `TOGETHER`
lanes know nothing of each other, so these are asked side by side: a processor does the work of
one while it waits for another.
"""

from collections.abc import Sequence

from admf_kernels.codegen import engine, run_state
from admf_kernels.codegen.engine import Form
from admf_kernels.codegen.text import indent, load, store
from admf_kernels.contract import ADJUSTMENT, Strategy
from admf_kernels.layout import fields_of

TOGETHER = 4


def wishes_of(base: str, place: str) -> str:
    """Return the expression of the wishes of a lane, by its place among those asked together."""
    return f"floats_at({base} + 8 * stride * {place})"


def asked_together(kernel: Strategy) -> int:
    """Return how many lanes are asked before the first of them is taken over its bars."""
    return TOGETHER if kernel.stateful else 1


def asked_ahead(kernel: Strategy) -> bool:
    """Return whether a strategy can be asked about many rows, whatever happens on them."""
    own = {"position", "cash", "equity", "entry_price"} & set(kernel.arguments)
    return not (kernel.orders or own)


class Asking:
    """The source that asks one strategy; `setup` are the lines that read what lanes share."""

    def __init__(
        self, kernel: Strategy, features: Sequence[str], form: Form, setup: Sequence[str]
    ) -> None:
        self.kernel, self.features, self.form, self.setup = kernel, features, form, setup
        self.together = asked_together(kernel)

    def parts(self) -> list[str]:
        """Return the functions ``pass_asked_1`` and, for several lanes, ``pass_asked_4``.

        They ask the lanes from ``k`` on about rows ``[first, last)``; the wishes of each begin a
        `stride` after those of the one before.
        """
        return [line for count in sorted({1, self.together}) for line in self._part(count)]

    def _part(self, count: int) -> list[str]:
        lanes = range(count)
        return [
            f"def pass_asked_{count}(table, wishes_at, k, first, last):",
            *indent([
                *([] if self.kernel.stateful else ["widest()"]),
                *self.setup,
                *(line for j in lanes for line in self._lane(j)),
                "for t in range(first, last):",
                *indent([line for j in lanes for line in self._row(j)]),
                *(line for j in lanes for line in self._end(j)),
                "return 0",
            ]),
            "",
            "",
        ]  # fmt: skip

    def _lane(self, j: int) -> list[str]:
        """Return the lines that reach what is the j-th lane's own."""
        kernel, count = self.kernel, len(self.features)
        words = run_state.lane_words(kernel, self.form.uses)
        width = len(fields_of(kernel.constants))
        own = [("c", kernel.constants, f"constants + {8 * width} * (k + {j})", "{i}")]
        at = f"{{i}} + {run_state.offsets(kernel)['s']}" if kernel.stateful else ""
        if kernel.stateful:
            own.append(("s", kernel.state, f"table[1] + {8 * words} * (k + {j})", at))
        return [
            f"wishes_{j} = {wishes_of('wishes_at', str(j))}",
            *(
                f"feature_{n}_{j} = floats_at(columns + 8 * feature_columns[{count} * (k + {j}) "
                f"+ {i}])"
                for i, n in enumerate(self.features)
            ),
            *(
                line
                for n, cls, address, place in own if n in kernel.arguments
                for line in (
                    f"{n}{j}_f, {n}{j}_i = floats_at({address}), words_at({address})",
                    f"{n}_{j} = {load(cls, f'{n}{j}', place)}",
                )
            ),
        ]  # fmt: skip

    def _row(self, j: int) -> list[str]:
        """Return the lines that ask the j-th lane about row ``t``."""
        adjusted, mark = ADJUSTMENT in self.features, f"_{j}"
        feature = f"feature_{{name}}{mark}[t]"
        return [
            *engine.bar_reads(self.kernel, "t"),
            *engine.strategy_lines(self.kernel, feature, adjusted=adjusted, mark=mark),
            f"wishes{mark}[t] = wanted{mark}",
        ]

    def _end(self, j: int) -> list[str]:
        if not self.kernel.stateful:
            return []
        at = run_state.offsets(self.kernel)["s"]
        return store(self.kernel.state, f"s_{j}", f"s{j}", f"{{i}} + {at}")

    def group_lines(self) -> list[str]:
        """Return the lines that ask the lanes from `group` to `last_lane` about all rows.

        A lane is first asked on the bar that it is ready on; the tap is asked bar by bar.
        """
        words, count = run_state.lane_words(self.kernel, self.form.uses), self.together
        waits = f"waits = ready_lanes[k] - words_at(table[1] + {8 * words} * k)[0] - 1"
        alone = [
            "for k in range(group, last_lane):",
            *indent([
                waits,
                "asked_from = start + (waits if waits > 0 else 0)",
                "if k != tap and asked_from < until:",
                "    pass_asked_1(table, wishes + 8 * stride * (k - group), k, asked_from, until)",
            ]),
        ]  # fmt: skip
        if count == 1:
            return ["until = stop", *alone]
        return [
            "begin = start",
            "for k in range(group, last_lane):",
            *indent([waits, "begin = start + waits if start + waits > begin else begin"]),
            f"together = last_lane - group == {count} and (tap < group or tap >= last_lane)",
            "until = stop if not together or begin > stop else begin",
            *alone,
            "if together:",
            f"    pass_asked_{count}(table, wishes, group, until, stop)",
        ]

    def tap_lines(self) -> list[str]:
        """Return the lines that ask the tap about row ``t``, once it is ready."""
        return [
            "if k == tap and seen + 1 >= ready:",
            "    pass_asked_1(table, wishes + 8 * stride * (k - group), k, t, t + 1)",
        ]
