"""A chain as text: what happened, in order, with the numbers it happened by."""

from collections.abc import Iterable
from typing import Any

from admf_fast.explain.chain import Chain, Decision, Result, Step
from admf_fast.explain.explained import Refused
from admf_fast.explain.seeing import BarRow
from admf_fast.explain.stored import Row
from admf_fast.report import align, values

GOT = {"filled": "filled", "partially_filled": "partly filled"}


def chain_lines(chain: Chain) -> list[str]:
    """Return a chain as lines."""
    steps = [row for step in chain.steps for row in _step_rows(step)]
    return [
        _title(chain),
        "",
        *_decision_lines(chain.decision),
        "",
        *align(steps),
        "",
        *_result_lines(chain.result),
        *(f"Not told: {text}" for text in chain.missing),
    ]


def _title(chain: Chain) -> str:
    t = chain.trade
    side = "long" if t["lots"] > 0 else "short"
    return (
        f"Trade {chain.number} of {chain.of}: {side} {abs(t['lots']):,} lots of {t['symbol']}, "
        f"{values.time(t['entry_ts'])} to {values.time(t['ts'])}, left by {t['reason']}, "
        f"pnl {t['pnl']!r}"
    )


def _decision_lines(d: Decision) -> list[str]:
    rows = [("Decided at", values.time(d.ts_ns))]
    if d.bar:
        rows.append(("  bar", _bar_text(d.bar)))
    if d.reads:
        rows.append(("  read", ", ".join(f"{n} {v!r}" for n, v in d.reads.items())))
    if d.signal is not None:
        since = "" if d.signal_ts_ns == d.ts_ns else f", since {values.time(d.signal_ts_ns)}"
        rows.append(("  signal", f"{d.signal_before!r} → {d.signal!r}{since}"))
    elif d.bar:
        rows.append(("  signal", "none: the strategy made the order itself"))
    label = "  ranked"
    for r in d.ranking or ():
        place = f"{r.rank}. " if r.rank else "no rank: "
        rows.append((label, f"{place}{r.symbol}, score {r.score!r} → {r.signal!r}"))
        label = ""
    if d.sized:
        s = d.sized
        settings = "".join(f" {n} {v!r}" for n, v in s.settings.items())
        rows.append(("  sized", f"{s.kind}{settings}: {s.formula} = {s.lots:,} lots"))
        rows.append(("", f"equity {s.equity!r}, close {s.close!r}"))
    return align(rows)


def _bar_text(bar: BarRow) -> str:
    names = ("open", "high", "low", "close", "volume")
    return ", ".join(f"{n} {getattr(bar, n)!r}" for n in names)


def _step_rows(step: Step) -> list[tuple[str, str, str]]:
    e = step.event
    when = values.time(e["ts"])
    texts = {"order": _order_text, "fill": _fill_text, "adjustment": _adjustment_text}
    if step.what == "level":
        return [(when, "stop moves", f"#{e['order_id']} to {e['stop']!r} ({e['role']})")]
    if step.what == "signal":
        return [(when, "signal", f"→ {e['signal']!r}")]
    rows = [(when, step.what, texts[step.what](e))]
    if step.what == "fill":
        rows += [("", "", text) for text in _fill_notes(step)]
    elif step.note:
        rows.append(("", "", step.note))
    return rows


def _order_text(e: Row) -> str:
    side = "buy" if e["lots"] > 0 else "sell"
    prices = "".join(f", {n} {e[n]!r}" for n in ("limit", "stop") if e[n])
    why = f", {e['reason']}" if e["reason"] else ""
    return (
        f"#{e['order_id']} {e['status']}{why}: {side} {abs(e['lots']):,} {e['kind']}{prices}, "
        f"{e['time_in_force']} ({e['role']})"
    )


def _fill_text(e: Row) -> str:
    side = "bought" if e["lots"] > 0 else "sold"
    return (
        f"#{e['order_id']} {GOT[e['status']]}: {side} {abs(e['lots']):,} at {e['price']!r}, "
        f"fee {e['fee']!r}, {e['liquidity']} ({e['role']})"
    )


def _fill_notes(step: Step) -> Iterable[str]:
    if step.closes:
        opens = abs(step.event["lots"]) - step.closes
        yield f"{step.closes:,} close the position before, {opens:,} open the next, fees alike"
    if step.bar:
        yield f"bar: {_bar_text(step.bar)}"
    if step.rule and step.price_before is not None:
        slippage = (step.event["price"] - step.price_before) * (1 if step.event["lots"] > 0 else -1)
        yield f"rule: {step.rule}: {step.note}"
        yield f"price {step.price_before!r} before slippage of {slippage + 0.0!r}"


def _adjustment_text(e: Row) -> str:
    return (
        f"split {e['split']!r}, dividend {e['dividend']!r} a unit: {e['lots']:,} lots held, "
        f"cash {e['amount']!r}"
    )


def _result_lines(r: Result) -> list[str]:
    rows = [
        ("Result", ""),
        ("  entries", repr(r.entry_value)),
        ("  exits", repr(r.exit_value)),
        ("  before fees", repr(r.gross)),
        ("  fees", repr(r.fees)),
        ("  pnl", f"{r.pnl!r} = {r.gross!r} - {r.fees!r} (checked to the bit from the fills)"),
        ("  return", f"{r.trade_return!r} of the entries"),
        ("  held", f"{r.bars:,} bars"),
        ("  worst, best", f"{r.mae!r}, {r.mfe!r} of the entry price"),
    ]
    if r.adjustments:
        rows.append(("  actions", f"{r.adjustments!r} of cash besides, not in the pnl"))
    return align(rows)


def refused_lines(refused: list[Refused], missing: list[str]) -> list[str]:
    """Return orders that were not taken as lines."""
    rows: list[Any] = [
        (values.time(r.event["ts"]), _order_text(r.event), r.relation) for r in refused
    ]
    lines = align([("time", "order", "because"), *rows]) if rows else ["No order was refused."]
    return [*lines, *(f"Not told: {text}" for text in missing)]
