"""The faults of order and of the line: what the guard rules, by the id of the fault."""

import pytest

from admf_fast.feeds import Heartbeat, Link
from tests.feeds.guard_kit import Kit, S, actions, bar

PROCESS = ("process", "")


def test_bars_in_order_are_processed_at_once():
    kit = Kit()

    assert [actions(kit.minutes(m)) for m in (1, 2, 3)] == [[PROCESS]] * 3
    assert kit.guard.counts == {"bar": 3}


def test_l01_a_hole_holds_entries_asks_and_is_filled_in_order():
    kit = Kit()
    kit.minutes(1)

    ruled = kit.minutes(4)
    assert actions(ruled) == [("hold", "L01"), ("ask", "L01")]
    assert (ruled[1].after_ns, ruled[1].before_ns) == (bar(1)[0], bar(4)[0])
    assert kit.guard.holds
    assert kit.minutes(2)[0].rule == "L04"
    assert kit.processed == [1, 2]
    kit.minutes(3)
    assert kit.processed == [1, 2, 3, 4]
    assert kit.said("L01") == ["hold", "ask", "resume"]
    assert not kit.guard.holds


def test_l01_a_hole_that_is_not_filled_is_marked_and_nothing_is_made_up():
    by_bars, by_time = Kit(wait_bars=2), Kit(wait_bars=2, wait_s=30)
    by_bars.minutes(1, 4, 5)
    assert by_bars.processed == [1]
    by_bars.minutes(6)
    by_time.minutes(1, 4)
    by_time.wait(29.9)
    assert by_time.processed == [1]
    by_time.wait(0.1)

    assert by_bars.processed == [1, 4, 5, 6]
    assert by_time.processed == [1, 4]
    for kit in (by_bars, by_time):
        assert kit.said("L01") == ["hold", "ask", "note", "resume"]
        assert (kit.guard.counts["gap"], kit.guard.counts["missing"]) == (1, 2)


@pytest.mark.parametrize(("gaps", "said", "processed"), [
    ("mark", ["note"], [1, 3]), ("refuse", ["refuse"], [1]),
])  # fmt: skip
def test_l01_a_gap_can_be_marked_without_a_hold_or_refused(gaps, said, processed):
    kit = Kit(gaps=gaps, wait_bars=0)
    kit.minutes(1, 3, 4)

    assert kit.said("L01") == said
    assert kit.processed == (processed if gaps == "refuse" else [1, 3, 4])
    assert kit.guard.refused == (gaps == "refuse")


def test_l01_without_a_calendar_nobody_knows_what_is_missing():
    kit = Kit(calendar="")
    kit.minutes(1, 400, 401)

    assert kit.processed == [1, 400, 401]
    assert kit.said("L01") == []


def test_l02_exact_duplicates_are_passed_over_and_counted():
    kit = Kit()
    kit.minutes(1, 2, 1, 2, 2)

    assert kit.processed == [1, 2]
    assert kit.guard.counts["duplicate"] == 3
    assert kit.said("L02") == ["drop"] * 3


def test_l02_duplicates_can_be_refused():
    kit = Kit(duplicates="refuse")
    kit.minutes(1, 1, 2)

    assert kit.processed == [1]
    assert kit.rulings[-1].action == "refuse"


def test_l03_the_first_of_two_closed_bars_stands_by_the_bit():
    kit = Kit()
    first, other = bar(1, 100.0), bar(1, 100.00000000000001)
    kit.give(first, other, bar(2))

    assert kit.bars == [first, bar(2)]
    assert kit.guard.counts["conflict"] == 1
    dropped = next(r for r in kit.rulings if r.rule == "L03")
    assert (dropped.action, dropped.bar) == ("drop", other)
    assert "open is 100.00000000000001, before it was 100.0 (0x1.9000000000001p+6" in dropped.text


def test_l03_a_conflict_with_a_waiting_bar_or_by_policy_refused():
    waiting, refusing = Kit(), Kit(conflicts="refuse")
    waiting.give(bar(1), bar(3, 1.0), bar(3, 2.0), bar(2))
    refusing.give(bar(1), bar(1, 2.0), bar(2))

    assert waiting.bars == [bar(1), bar(2), bar(3, 1.0)]
    assert refusing.processed == [1]
    assert refusing.said("L03") == ["refuse"]


def test_l04_bars_out_of_order_within_the_tolerance_are_put_back():
    kit = Kit(wait_bars=2)
    kit.minutes(1, 3, 4, 2, 5)

    assert kit.processed == [1, 2, 3, 4, 5]
    assert kit.guard.counts["reordered"] == 1
    assert "gap" not in kit.guard.counts


@pytest.mark.parametrize("late", ["drop", "refuse"])
def test_l05_late_bars_never_rewrite_history(late):
    kit = Kit(wait_bars=0, late=late)
    kit.minutes(1, 3, 2, 4)

    assert kit.processed == ([1, 3, 4] if late == "drop" else [1, 3])
    assert kit.said("L05") == [late]
    assert kit.guard.counts["late"] == 1


def test_l06_bars_in_progress_never_reach_a_kernel():
    kit = Kit()
    kit.minutes(1)
    kit.give(bar(2, 50.0), bar(2, 51.0), closed=False)
    kit.give(bar(2, 52.0))

    assert kit.bars == [bar(1), bar(2, 52.0)]
    assert kit.said("L06") == ["drop", "drop"]


def test_l07_a_bar_that_never_closes_is_missing_or_closed_by_the_feeds_time():
    dropping, closing = Kit(), Kit(unclosed="close")
    for kit in (dropping, closing):
        kit.minutes(1)
        kit.give(bar(2, 50.0), bar(2, 51.0), closed=False)
        kit.take(Heartbeat(bar(2)[0] + 4 * S))
        assert kit.said("L07") == []
        kit.take(Heartbeat(bar(2)[0] + 5 * S))
        assert kit.said("L07") == ["note"]
        kit.minutes(3)

    assert dropping.processed == [1]
    assert dropping.said("L01") == ["hold", "ask"]
    assert closing.bars == [bar(1), bar(2, 51.0), bar(3)]
    assert closing.give(bar(2, 51.5))[0].rule == "L03"


def test_l07_a_bar_that_closes_twice_counts_once():
    kit = Kit(unclosed="close")
    kit.give(bar(1, 50.0), closed=False)
    kit.minutes(1, 2, 1)

    assert kit.processed == [1, 2]
    assert kit.said("L07") == []


def test_l08_a_reconnect_with_overlap_or_hole_is_normal_traffic():
    kit = Kit()
    kit.minutes(1, 2, 3)
    kit.take(Link(up=False, text="lost"))
    kit.take(Link(up=True, text="made"))
    kit.minutes(2, 3, 4)  # an overlap
    kit.take(Link(up=False, text="lost"))
    kit.take(Link(up=True, text="made"))
    kit.minutes(6, 5, 7)  # a hole, filled

    assert kit.processed == [1, 2, 3, 4, 5, 6, 7]
    counts = kit.guard.counts
    assert (counts["disconnect"], counts["connect"], counts["duplicate"]) == (2, 2, 2)
    assert "gap" not in counts
