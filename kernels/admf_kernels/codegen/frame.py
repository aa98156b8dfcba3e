"""The frame driver: bars of a longer timeframe made of the program's bars, as they close.

It fills one bar of the longer timeframe, its bucket. When the bucket has closed, it becomes
a row of the child, a program of its own over such bars, whose drivers are called on it; the
program's columns hold what the child's last row says.

Table: the bar columns, the checksum column (0 for none), slot key, state, the child's next
row, address and table of its execute driver, its columns, their rows, how many of them are
history, how many columns, its checksums, length of the timeframe, a time at which a bar of
it starts, opens and closes of the sessions and how many (0: no sessions), how many columns
are held, and for each of them the program's column and which of the child's it is.
"""

from typing import NamedTuple

from admf_kernels.clock import NO_SESSION
from admf_kernels.codegen.text import SEEN_KEY, coerce, hash_terms, indent, load, store

NAMES = ("times", "opens", "highs", "lows", "closes", "volumes")
HEADER = (*NAMES, "checksum", "slot", "state", "next_row", "entry", "drivers", "columns", "rows",
          "history", "width", "checksums", "period", "origin", "session_opens", "session_closes",
          "sessions", "held")  # fmt: skip
WORDS = ("times", "checksum", "next_row", "checksums", "session_opens", "session_closes")
FLOATS = NAMES[1:]


class Bucket(NamedTuple):
    """The bar of a longer timeframe that is being filled, and what came before it.

    `end_ns` is 0 while there is none. A bucket is `whole` when a bar before it was seen:
    otherwise its first bars may be missing, and it is dropped. `checksum` is the child's,
    after its last row.
    """

    end_ns: int = 0
    whole: bool = False
    started: bool = False
    checksum: int = 0
    open: float = 0.0
    high: float = 0.0
    low: float = 0.0
    close: float = 0.0
    volume: float = 0.0


SETTLED = ("end_ns", "whole", "started", "checksum", "open")  # while a bucket is filled
EMPTY = "Bucket(0, False, b.started, b.checksum, 0.0, 0.0, 0.0, 0.0, 0.0)"

# What a bar belongs to: `end` is when that closes, 0 for none.
LOCATE = f"""\
end = 0
if sessions == 0:
    end = ((ts - 1 - origin) // period + 1) * period + origin
elif ts > quiet:
    low = 0
    high = sessions
    while low < high:
        middle = (low + high) // 2
        if session_closes[middle] < ts:
            low = middle + 1
        else:
            high = middle
    if low == sessions or ts <= session_opens[0]:
        return {NO_SESSION} + 16 * t
    if ts > session_opens[low]:
        end = session_closes[low]
    else:
        quiet = session_opens[low]
if end != 0:
    b = Bucket(end, b.started, b.started, b.checksum, opens[t], highs[t], lows[t], closes[t],
               volumes[t])
"""
UPDATE = """\
high = highs[t] if highs[t] > b.high else b.high
low = lows[t] if lows[t] < b.low else b.low
b = Bucket(b.end_ns, b.whole, b.started, b.checksum, b.open, high, low, closes[t],
           b.volume + volumes[t])
"""
# The child's row; its oldest rows make room when there is none.
CLOSE = f"""\
if b.whole:
    for k in range(held):
        column = floats_at(table[first_held + 2 * k])
        value = columns[table[first_held + 2 * k + 1] * rows + row - 1]
        for r in range(filled, t):
            column[r] = value
    filled = t
    if row == rows:
        for k in range(width):
            for r in range(history):
                columns[k * rows + r] = columns[k * rows + rows - history + r]
        row = history
    column_words[row] = b.end_ns
    columns[rows + row] = b.open
    columns[2 * rows + row] = b.high
    columns[3 * rows + row] = b.low
    columns[4 * rows + row] = b.close
    columns[5 * rows + row] = b.volume
    status = invoke(entry, drivers, row, row + 1)
    if status < 0:
        return (-status & 15) + 16 * t
    row += 1
    seen += 1
    b = Bucket(0, False, b.started, checksums[row - 1], 0.0, 0.0, 0.0, 0.0, 0.0)
else:
    b = {EMPTY}
"""
FILL = """\
for k in range(held):
    column = floats_at(table[first_held + 2 * k])
    value = columns[table[first_held + 2 * k + 1] * rows + row - 1]
    for r in range(filled, stop):
        column[r] = value
next_row[0] = row
"""


def source(*, hashed: bool) -> str:
    """Return the source of the driver; `hashed` adds the bucket to the state checksum."""
    at = {name: k for k, name in enumerate(HEADER)}
    kinds = {**dict.fromkeys(WORDS, "words_at({})"), **dict.fromkeys(FLOATS, "floats_at({})")}
    setup = [
        f"{name} = {kinds.get(name, '{}').format(f'table[{k}]')}"
        for name, k in at.items()
        if name not in ("state", "columns")
    ]
    setup += [f"columns = floats_at(table[{at['columns']}])"]
    setup += [f"column_words = words_at(table[{at['columns']}])"]
    setup += [f"b_f = floats_at(table[{at['state']}])", f"b_i = words_at(table[{at['state']}])"]
    body = [
        *setup,
        f"first_held = {len(HEADER)}",
        "seen = b_i[0]",
        f"b = {load(Bucket, 'b', '{i} + 1')}".replace(_NAME, "Bucket"),
        *("row = next_row[0]", "filled = start", "quiet = 0"),
        *(["settled = 0", "changed = True"] if hashed else []),
        "for t in range(start, stop):",
        *indent(_bar(hashed)),
        *FILL.splitlines(),
        "b_i[0] = seen",
        *store(Bucket, "b", "b", "{i} + 1"),
        "return 0",
    ]
    return "\n".join(["def drive(table, start, stop):", *indent(body)]) + "\n"


_NAME = load(Bucket, "b").partition("(")[0]


def _bar(hashed: bool) -> list[str]:
    changed = ["changed = True"] if hashed else []
    started = coerce(Bucket, "b").replace(_NAME, "Bucket").replace("bool(b.started)", "True")
    return [
        "ts = times[t]",
        "if b.end_ns != 0 and b.end_ns < ts:",
        *indent([*CLOSE.splitlines(), *changed]),
        "if b.end_ns == 0:",
        *indent([*LOCATE.splitlines(), *changed]),
        "else:",
        *indent(UPDATE.splitlines()),
        "if not b.started:",
        *indent([f"b = {started}", *changed]),
        "if b.end_ns == ts:",
        *indent([*CLOSE.splitlines(), *changed]),
        *(_hash() if hashed else []),
    ]


def _hash() -> list[str]:
    terms = hash_terms(Bucket, "b", "slot")
    settled = [terms[name] for name in SETTLED]
    moving = [term for name, term in terms.items() if name not in SETTLED]
    return [
        "if changed:",
        f"    settled = seen * (slot + {SEEN_KEY}) + {' + '.join(settled)}",
        "    changed = False",
        f"checksum[t] += settled + {' + '.join(moving)}",
    ]
