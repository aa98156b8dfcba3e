"""A comparison as one page: no script, no link, nothing fetched; readable on a phone."""

from collections.abc import Iterable, Sequence
from html import escape

from admf_fast.consistency.comparing import Comparison, Layer, RunInfo
from admf_fast.consistency.divergence import Divergence
from admf_fast.consistency.trades import FIELDS, Money, TradePair
from admf_fast.report import clean, values

PAIRS_SHOWN = 1000
HEADS = ("Entry", "Exit", "Lots", "Entry price", "Exit price", "Fees", "Profit", "Reason")
PARTS = {
    "entry_price": "Entry prices",
    "exit_price": "Exit prices",
    "quantity": "Quantities",
    "fees": "Fees",
    "only_first": "Trades only the first run has",
    "only_second": "Trades only the second run has",
    "open": "Open positions and holding costs",
    "other": "Dividends, currencies, rounding",
}
STYLE = """\
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--bad:#b3261e;--good:#1b6e3c}
@media(prefers-color-scheme:dark){:root{--bad:#ff897d;--good:#7bd88f}}
body{font:15px/1.45 system-ui,sans-serif;margin:0 auto;max-width:1160px;padding:16px}
h1{font-size:1.4rem;margin:.2em 0}h2{font-size:1.1rem;margin:1.6em 0 .4em}
table{border-collapse:collapse;width:100%}
th,td{padding:4px 8px;border-bottom:1px solid var(--line);text-align:left;vertical-align:top}
th{font-weight:600;white-space:nowrap}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.wide{overflow-x:auto}.bad{color:var(--bad)}.good{color:var(--good)}.dim{opacity:.65}
.verdict{padding:10px 12px;background:var(--soft);border-left:4px solid;overflow-wrap:anywhere}
td.t{overflow-wrap:anywhere}td.w{white-space:nowrap}tr.b td{border-top:2px solid var(--line)}
@media(max-width:600px){body{font-size:13px;padding:10px}
th,td{padding:3px 5px}th{white-space:normal}}
"""


def page_of(comparison: Comparison) -> str:
    """Return the comparison as an HTML page; every text in it is escaped."""
    c = comparison
    title = f"{c.first.name} and {c.second.name}"
    parts = [
        f"<h1>{_text(title)}</h1>",
        _verdict(c),
        _runs(c),
        _layers(c.layers),
        _causes(c),
        _money(c.money),
        _pairs(c.pairs),
        _figures(c),
        _notes(c.notes),
    ]
    body = "\n".join(part for part in parts if part)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{_text(title)}</title><style>{STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def _text(value: object) -> str:
    return escape(clean(str(value)))


def _table(heads: Sequence[str], rows: Iterable[str], numbers: frozenset[int] = frozenset()) -> str:
    head = "".join(
        f'<th class="n">{_text(h)}</th>' if k in numbers else f"<th>{_text(h)}</th>"
        for k, h in enumerate(heads)
    )
    return f'<div class="wide"><table><tr>{head}</tr>{"".join(rows)}</table></div>'


def _row(cells: Iterable[str], kind: str = "") -> str:
    return f"<tr{f' class={kind!r}' if kind else ''}>{''.join(cells)}</tr>"


def _cell(value: object, kind: str = "") -> str:
    return f'<td class="{kind}">{_text(value)}</td>' if kind else f"<td>{_text(value)}</td>"


def _verdict(c: Comparison) -> str:
    if c.identical:
        return '<p class="verdict good">Identical in everything that was recorded.</p>'
    first = c.first_divergence
    where = f" First output that differs: {_text(_where(first))}." if first else ""
    return (
        f'<p class="verdict bad">Different, first in <b>{_text(c.first_layer)}</b>.{where} '
        f"Profit differs by {_text(values.number(c.money.total))}.</p>"
    )


def _where(d: Divergence) -> str:
    when = values.time(d.ts_ns) if d.bar >= 0 else "the whole run"
    return f"{d.layer}.{d.field} at {when} (bar {d.bar}), {d.shown[0]} against {d.shown[1]}"


def _runs(c: Comparison) -> str:
    lines: list[tuple[str, str, str]] = [
        (label, *(_run_value(info, name) for info in (c.first, c.second)))  # type: ignore[misc]
        for label, name in (
            ("Folder", "folder"), ("Run", "run_id"), ("Mode", "mode"), ("Bars", "bars"),
            ("First bar", "first_ns"), ("Last bar", "last_ns"), ("Trades", "trades"),
            ("Profit", "profit"),
        )
    ]  # fmt: skip
    rows = [_row([_cell(a), _cell(b, "t"), _cell(d, "t")]) for a, b, d in lines]
    return "<h2>Runs</h2>" + _table(("", "First", "Second"), rows)


def _run_value(info: RunInfo, name: str) -> str:
    value = getattr(info, name)
    if name.endswith("_ns"):
        return values.time(value) if value else values.NONE
    return values.number(value) if isinstance(value, float) else str(value)


def _layers(layers: Sequence[Layer]) -> str:
    rows = []
    for layer in layers:
        said = {True: ("same", "good"), False: ("differs", "bad"), None: ("not recorded", "dim")}
        text, kind = said[layer.identical]
        where = _where(layer.first) if layer.first else ""
        note = "; ".join(part for part in (where, layer.note) if part)
        rows.append(_row([_cell(layer.name), _cell(text, kind), _cell(note, "t")]))
    return "<h2>Layers, in order of cause</h2>" + _table(("Layer", "", "First difference"), rows)


def _causes(c: Comparison) -> str:
    if not c.causes:
        return "<h2>Inputs</h2><p>Bars, configuration, code and environment are the same.</p>"
    rows = [
        _row([_cell(x.layer), _cell(x.field, "t"), _cell(x.first, "t"), _cell(x.second, "t")])
        for x in c.causes
    ]
    return "<h2>Inputs that differ</h2>" + _table(("", "Input", "First", "Second"), rows)


def _money(money: Money) -> str:
    rows = [
        _row([_cell(label), _cell(values.number(getattr(money, name)), "n")])
        for name, label in PARTS.items()
    ]
    rows.append(_row([_cell("Profit of the second, less the first"),
                      _cell(values.number(money.total), "n")], "b"))  # fmt: skip
    return "<h2>The difference in money</h2>" + _table(
        ("Cause", "Account currency"), rows, frozenset([1])
    )


def _pairs(pairs: Sequence[TradePair]) -> str:
    same = sum(pair.same for pair in pairs)
    wanted = [(k, pair) for k, pair in enumerate(pairs, 1) if not pair.same]
    counts = f"{values.count(len(pairs))} trades, {values.count(same)} equal in all bits"
    head = f"<h2>Trades side by side</h2><p>{counts}"
    if not wanted:
        return head + ".</p>"
    shown = wanted[:PAIRS_SHOWN]
    more = f"; the first {PAIRS_SHOWN} of them" if len(shown) < len(wanted) else ""
    rows: list[str] = []
    for number, pair in shown:
        rows += _pair_rows(number, pair)
    heads = ("#", "Run", "Symbol", *HEADS, "Difference")
    table = _table(heads, rows, frozenset([0, *range(5, 10), 11]))
    return f"{head}; the {values.count(len(wanted))} others{more}:</p>{table}"


def _pair_rows(number: int, pair: TradePair) -> list[str]:
    rows = []
    for k, (run, trade) in enumerate((("first", pair.first), ("second", pair.second))):
        cells = [_cell(number if k == 0 else "", "n"), _cell(run)]
        if trade is None:
            cells += [_cell("no such trade", "dim"), *[_cell("")] * len(HEADS)]
        else:
            cells.append(_cell(trade["symbol"]))
            cells += [_value(name, trade[name]) for name in FIELDS]
        cells.append(_cell(values.number(sum(pair.money)) if k else "", "n"))
        rows.append(_row(cells, "" if k else "b"))
    return rows


def _value(name: str, value: object) -> str:
    if name in ("entry_ts", "ts"):
        return _cell(values.time(int(str(value))), "w")
    if isinstance(value, float):
        return _cell(values.number(value, 4 if name.endswith("price") else 2), "n")
    return _cell(value, "n" if name == "lots" else "")


def _figures(c: Comparison) -> str:
    """Return how the bars, and the executions, differ."""
    rows = []
    if c.inputs:
        found = c.inputs.to_json()["per_10000_bars"]
        rows += [(f"Bars {name}, per 10,000", values.number(rate)) for name, rate in found.items()]
        rows.append(("Largest move of a price [ticks]", values.number(c.inputs.ticks_max)))
    e = c.executions
    rows += [
        ("Orders of both runs", values.count(e.orders)),
        ("Worse price of the second, mean [ticks]", values.number(e.price_ticks.mean)),
        ("Later fill of the second, mean [ms]", values.number(e.delay_ms.mean)),
        ("Filled by the second, of what the first filled [%]", values.percent(e.fill_ratio)),
        ("Refused orders, first and second", f"{e.refused_model}, {e.refused_venue}"),
        ("Effect on profit [bps of what was traded]", values.number(e.pnl_bps)),
    ]
    cells = (_row([_cell(label), _cell(value, "n")]) for label, value in rows)
    return "<h2>Bars and executions</h2>" + _table(("", ""), cells, frozenset([1]))


def _notes(notes: Sequence[str]) -> str:
    return "".join(f"<p>Note: {_text(note)}</p>" for note in notes)
