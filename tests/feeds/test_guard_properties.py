"""Properties of the guard: a second, slower one rules the same; nothing rewrites history."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from admf_fast.feeds import Delivered, FeedGuard, bar_line
from admf_fast.feeds.json_lines import LINE_BYTES_MAX
from tests.feeds.guard_kit import MINUTE_NS, START_NS, Kit, bar
from tests.kernels.strategies import quick

NAMES = ("A", "B", "C")
ARRIVALS = st.lists(
    st.tuples(
        st.integers(0, 2),  # which instrument
        st.integers(0, 12),  # which minute
        st.sampled_from((1.0, 1.0, 1.0, 2.0)),  # sometimes another price
        st.sampled_from((True, True, True, False)),  # closed
    ),
    max_size=40,
)


def slow_guard(arrivals, names, wait_bars):
    """The rules of order and duplicates, found again from all that has arrived each time."""
    processed, done, counts = [], {}, dict.fromkeys(("duplicate", "conflict", "late"), 0)
    waiting = {name: {} for name in names}
    latest = dict.fromkeys(names)
    after = -1

    def blocked(minute):
        hole = absent = False
        for name in names:
            if latest[name] is not None:
                hole |= max(after, latest[name]) + 1 < minute
            if len(names) > 1 and minute not in waiting[name]:
                absent |= latest[name] is not None or not waiting[name]
        moments = {m for bars in waiting.values() for m in bars}
        return (hole or absent) and len(moments) - (not hole) <= wait_bars

    for name, minute, price, closed in arrivals:
        if not closed:
            continue
        first = waiting[name].get(minute, done.get((name, minute)))
        if first is not None:
            counts["duplicate" if first == price else "conflict"] += 1
        elif minute <= after:
            counts["late"] += 1
        else:
            waiting[name][minute] = price
        while minutes := sorted(m for bars in waiting.values() for m in bars):
            if blocked(minutes[0]):
                break
            after = minutes[0]
            for other in names:
                if after in waiting[other]:
                    done[other, after] = waiting[other].pop(after)
                    latest[other] = after
                    processed.append((other, after, done[other, after]))
    return processed, counts


def run(arrivals, names, **policies):
    kit = Kit(symbols=names, **policies)
    for name, minute, price, closed in arrivals:
        kit.give(bar(minute, price), symbol=name, closed=closed)
    found = [(r.symbol, (r.bar[0] - START_NS) // MINUTE_NS, r.bar[4])
             for r in kit.rulings if r.action == "process"]  # fmt: skip
    return kit, found


@pytest.mark.parametrize("count", [1, 2, 3])
@quick(150)
@given(arrivals=ARRIVALS, wait_bars=st.integers(0, 4))
def test_a_slow_guard_rules_the_same(count, arrivals, wait_bars):
    names = NAMES[:count]
    named = [(names[k % count], *rest) for k, *rest in arrivals]
    kit, found = run(named, names, wait_bars=wait_bars)
    processed, counts = slow_guard(named, names, wait_bars)

    assert found == processed
    assert {key: kit.guard.counts.get(key, 0) for key in counts} == counts
    # Every closed bar that arrived was ruled on once, or still waits.
    closed = sum(arrival[-1] for arrival in named)
    ruled = len(found) + sum(counts.values())
    before = len(found)
    kit.finish()
    assert ruled + len(kit.bars) - before == closed


@quick(100)
@given(ARRIVALS, st.integers(0, 4), st.data())
def test_l06_whatever_is_in_progress_changes_nothing(arrivals, wait_bars, data):
    named = [(NAMES[k], *rest) for k, *rest in arrivals]
    changed = [
        arrival if arrival[-1]
        else (arrival[0], data.draw(st.integers(0, 50)), data.draw(st.floats(0.1, 9.0)), False)
        for arrival in named
    ]  # fmt: skip

    assert run(named, NAMES, wait_bars=wait_bars)[1] == run(changed, NAMES, wait_bars=wait_bars)[1]


@quick(200)
@given(st.integers(2, 30).flatmap(lambda n: st.permutations(range(1, n))))
def test_l04_a_disorder_within_the_tolerance_leaves_no_trace(drawn):
    """No bar is overtaken by more than `wait_bars` later ones."""
    order, count = [0, *drawn], len(drawn) + 1
    overtaken = max(sum(m > n for m in order[: order.index(n)]) for n in order)
    kit, found = run([("A", n, 1.0, True) for n in order], ("A",), wait_bars=overtaken)

    assert [minute for _, minute, _ in found] == list(range(count))
    assert "gap" not in kit.guard.counts
    assert not kit.guard.holds


@quick(60)
@given(st.integers(1, 8), st.randoms(use_true_random=False))
def test_l17_the_order_within_a_moment_leaves_no_trace(minutes, random):
    found = []
    for _ in range(2):
        arrivals = []
        for minute in range(minutes):
            arrivals += [(n, minute, 1.0, True) for n in random.sample(NAMES, len(NAMES))]
        found.append(run(arrivals, NAMES)[1])

    assert found[0] == found[1] == [(n, m, 1.0) for m in range(minutes) for n in NAMES]


@quick(150)
@given(ARRIVALS, st.integers(0, 40))
def test_l08_delivering_everything_again_leaves_no_trace(arrivals, cut):
    """A reconnect with overlap: what came before comes once more."""
    once = [("A", minute, 1.0, True) for _, minute, _, _ in arrivals]
    again = [*once[:cut], *once[: min(cut, len(once))], *once[cut:]]

    first = run(once, ("A",), wait_bars=0)[1]
    assert run(again, ("A",), wait_bars=0)[1] == first


@quick(150)
@given(st.lists(st.binary(max_size=80) | st.integers(0, 30), max_size=30), st.integers(0, 20))
def test_l13_any_bytes_between_bars_are_set_aside(drawn, most):
    """Bars come through untouched until there are too many lines that are none."""
    kit = Kit(malformed_per_minute=most, calendar="")
    expected, faults = [], 0
    for item in drawn:
        if isinstance(item, bytes):
            faults += bool(item.strip())
            kit.take(item)
        else:
            if faults <= most and item > (expected[-1] if expected else -1):
                expected.append(item)
            kit.take(bar_line("", bar(item)).rstrip())

    assert kit.processed == expected
    assert kit.guard.refused == (faults > most)
    assert kit.guard.counts.get("malformed", 0) == min(faults, most + 1)


BROKEN = [
    b'{"ts":' * 4000, b'{"open": ' + b"[" * 4000, b'{"ts": 1e999}', b"\xff" * 5000,
    bar_line("", bar(1)).replace(b"9.0", b"1e999"), bar_line("", bar(1)).replace(b"9.0", b"NaN"),
    bar_line("", bar(1)).replace(b"9.0", b"9" * 400),
    bar_line("", bar(1)).replace(b"9.0", "٩".encode()),
    bar_line("X", bar(1)).replace(b'"X"', b'"X\\u0000"').replace(b"ts", b"tS"),
    b'{"type": "heartbeat"}', b'{"type": "state", "state": "open"}', b'{"type": "order"}',
    b'{"type": "heartbeat", "ts": "\xd9\xa2024-01-01T00:00:00Z"}',
    b" " * (LINE_BYTES_MAX + 1) + b"?",
]  # fmt: skip


@pytest.mark.parametrize("line", BROKEN, ids=range(len(BROKEN)))
def test_l13_known_tricks_are_set_aside(line):
    kit = Kit()
    kit.take(line)

    assert [(r.action, r.rule) for r in kit.rulings] == [("drop", "L13")]
    assert len(kit.rulings[0].text) < 400


@quick(100)
@given(st.lists(st.tuples(*[st.floats(1e-300, 1e300)] * 4, st.floats(0, 1e300)), max_size=5))
def test_l14_a_line_is_the_bar_it_was_made_of(drawn):
    bars = []
    for minute, (a, b, c, d, volume) in enumerate(drawn):
        low, open_, close, high = sorted((a, b, c, d))
        bars.append((START_NS + minute * MINUTE_NS, open_, high, low, close, volume))
    kit = Kit()
    for made in bars:
        kit.take(bar_line("", made))

    assert [[v.hex() for v in b[1:]] for b in kit.bars] == [[v.hex() for v in b[1:]] for b in bars]


def test_the_guard_has_no_clock_and_no_state_of_its_own_kind():
    """The same items at the same times are ruled the same, to the last word."""
    items = [Delivered("STDIN", bar(m, 1.0 + m % 3)) for m in (1, 4, 2, 2, 9, 3, 5, 30, 31)]

    def rulings() -> list:
        guard: FeedGuard = Kit(realtime=True, move_percent=10.0).guard
        return [guard.take(item, START_NS + 7 * k, k * 10**9) for k, item in enumerate(items)]

    assert rulings() == rulings()
