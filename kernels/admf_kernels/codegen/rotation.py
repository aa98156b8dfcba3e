"""Pieces of the panel driver that turn scores of instruments into signals, from time to time."""

from admf_kernels.codegen.panel_layout import LEG, NOTES


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


def rank_lines() -> list[str]:
    """Return the lines that turn scores into signals: the best long, the worst short.

    A leg without a bar, or whose score is no number, has no rank. Of equal scores the
    earlier instrument ranks first, among the best and among the worst alike.
    """
    n = len(NOTES)
    value = f"notes_f[{n} * {{0}} + 3]"
    return [
        "for i in range(legs):",
        "    if rows[i * stride + t] >= 0:",
        f"        score = {value.format('i')}",
        "        above, below = 0, 0",
        "        for j in range(legs):",
        "            if rows[j * stride + t] >= 0 and j != i:",
        f"                other_score = {value.format('j')}",
        "                if other_score > score or (other_score == score and j < i):",
        "                    above += 1",
        "                if other_score < score or (other_score == score and j < i):",
        "                    below += 1",
        f"        rank_signal = at_Intent(words_at(leg_tables[i])[{LEG.index('state')}]"
        " + INTENT_AT).signal",
        "        if due != 0:",
        "            share = 1.0 / (rotation[0] + rotation[1])",
        "            rank_signal = 0.0",
        "            if score - score == 0.0 and above < rotation[0]:",
        "                rank_signal = share",
        "            elif score - score == 0.0 and below < rotation[1]:",
        "                rank_signal = -share",
        f"        notes_f[{n} * i + 4] = rank_signal",
    ]
