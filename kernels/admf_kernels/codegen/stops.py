"""A protective stop that follows the price over eight bars, in driver source.

``guarding`` is the stop as a price that rises as it comes closer: of a short position the
negative of its stop; without a stop minus infinity.
"""

from admf_kernels.codegen.eight import WIDTH
from admf_kernels.codegen.engine import Form
from admf_kernels.codegen.text import indent
from admf_kernels.execution.reasons import TRAILING
from admf_kernels.execution.terms import FOLLOWS_EVEN, FOLLOWS_TRAIL, NO_DISTANCE


def trails(form: Form) -> bool:
    """Return whether a stop may trail the price."""
    return form.uses.following & FOLLOWS_TRAIL != 0


def evens(form: Form) -> bool:
    """Return whether a stop may move to break even."""
    return form.uses.following & FOLLOWS_EVEN != 0


def read_lines(form: Form) -> list[str]:
    """Return the lines that read how the stop of the open position follows the price."""
    lines = [
        "side = 1.0 if units > 0.0 else -1.0",
        "guarding = q.stop * side if q.stop != 0.0 else -inf",
    ]
    if evens(form):
        lines += [
            "level = even_level(x, n, q.entry_price, q.entry_atr, side)",
            f"evens = x.even != {NO_DISTANCE} and level > 0.0 and level * side > guarding",
            "evens = evens and intent.working != 0",
            "even_away = distance(x.even, x.even_value, q.entry_price, q.entry_atr)",
        ]
    if trails(form):
        lines += [
            f"trails = x.trail != {NO_DISTANCE} and intent.working != 0",
            f"begins = x.trail_start != 0.0 and q.stop_role != {TRAILING}",
            "start_away = distance(x.trail, x.trail_start, q.entry_price, q.entry_atr)",
        ]
    return lines


def write_lines() -> list[str]:
    """Return the lines that tell the records where the stop has moved."""
    return [
        "moved_to = guarding * side",
        "if guarding > -inf and moved_to != q.stop:",
        f"    q.stop, q.stop_role = moved_to, {TRAILING}",
        "    if units > 0.0 and moved_to > intent.below:",
        "        intent.below = moved_to",
        "    elif units < 0.0 and moved_to < intent.above:",
        "        intent.above = moved_to",
    ]


def facing(form: Form) -> tuple[list[str], list[str]]:
    """Return the lines about the stop as it moves, and what quiet rows do not do to it."""
    lines = [
        "best = row_highs if units > 0.0 else row_lows",
        "faced = row_lows if units > 0.0 else row_highs",
    ]
    when = []
    if evens(form):
        gained = "((best - q.entry_price) * side >= even_away)"
        lines.append(f"evened = {gained} if evens and units != 0.0 else mask_of(0)")
        when.append("~evened")
    if trails(form):
        lines += [
            "moves, stops = mask_of(0), eight_of(guarding)",
            "if trails and units != 0.0:",
            *indent([
                "if n.ticks == 0.0:",
                "    levels = trail_level(x, best, q.entry_atr, side)",
                "else:",
                f"    for j in range({WIDTH}):",
                "        seen_price = high_col[base + j] if units > 0.0 else low_col[base + j]",
                "        level = trail_level(x, seen_price, q.entry_atr, side)",
                "        near[j] = rounded(n, level, side < 0.0)",
                "    levels = load_eight(near, 0)",
                "moves = mask_of(-1 << row) & (levels > 0.0) & (levels * side > guarding)",
                "if bits_in(moves) != 0 and not begins:",
                "    stops = highest_so_far(select(moves, levels * side, guarding))",
            ]),
        ]  # fmt: skip
        begun = "((best - q.entry_price) * side >= start_away)"
        kept = "(mask_of(-1 if units == 0.0 else 0) | (faced * side > shifted(stops, guarding)))"
        when.append(f"(~(moves & {begun}) if begins else {kept})")
    return lines, when
