"""Pieces of the panel driver that turn scores of instruments into signals, from time to time."""

from admf_kernels.codegen.panel_account import Panel
from admf_kernels.codegen.panel_layout import LEG, real, word
from admf_kernels.codegen.text import indent


def due_lines() -> list[str]:
    """Return the lines that tell whether a rotation looks at its ranks at this moment.

    ``rotation``: how many to hold long, how many short, 0 for every so many moments or the
    period (1 day, 2 week, 3 month), and how many moments.
    """
    return [
        "day = (ts_ns - 1) // 86400000000000",
        "period = day",
        "if rotation[2] == 2:",
        "    period = (day + 3) // 7",
        "elif rotation[2] == 3:",
        "    period = month_of(ts_ns - 1)",
        "turn.moments += 1",
        "if rotation[2] == 0:",
        "    if turn.moments >= rotation[3] or turn.period < 0:",
        "        due = 1",
        "        turn.moments = 0",
        "        turn.period = 0",
        "elif period != turn.period:",
        "    due = 1",
        "    turn.moments = 0",
        "    turn.period = period",
    ]


def rank_lines(p: Panel) -> list[str]:
    """Return the lines that turn scores into signals: the best long, the worst short.

    A leg without a bar, or whose score is no number, has no rank. Of equal scores the
    earlier instrument ranks first, among the best and among the worst alike.
    """
    others = [
        f"if other[{LEG.index('row')}] >= 0 and j != i:",
        f"    other_score = other_f[{LEG.index('score')}]",
        "    if other_score > score or (other_score == score and j < i):",
        "        above += 1",
        "    if other_score < score or (other_score == score and j < i):",
        "        below += 1",
    ]
    return p.each_bar([
        f"score = {real('score')}",
        "above, below = 0, 0",
        "for j in range(legs):",
        *indent([*p.leg_lines("j", "other"), *others]),
        f"rank_signal = at_Intent({word('state')} + {p.at['intent']}).signal",
        "if due != 0:",
        "    share = 1.0 / (rotation[0] + rotation[1])",
        "    rank_signal = 0.0",
        "    if score - score == 0.0 and above < rotation[0]:",
        "        rank_signal = share",
        "    elif score - score == 0.0 and below < rotation[1]:",
        "        rank_signal = -share",
        f"{real('rank')} = rank_signal",
    ])  # fmt: skip
