"""The faults of clocks, of lines and of trust: what the guard rules, by the id of the fault."""

import pytest

from admf_fast.feeds import Delivered, Heartbeat, MarketState
from tests.feeds.guard_kit import MINUTE_NS, START_NS, Kit, S, actions, bar


def test_l09_silence_while_the_market_is_open_is_stale_until_a_current_bar():
    kit = Kit(realtime=True, stale_bars=3)
    kit.now_ns = bar(1)[0]
    kit.minutes(1)
    kit.take(Heartbeat(kit.now_ns))
    for _ in range(3):
        assert kit.wait(60) == []
        kit.take(Heartbeat(kit.now_ns))  # which is no bar
    kit.wait(5)
    assert actions(kit.wait(0)) == []
    assert actions(kit.wait(60)) == [("stale", "L09"), ("hold", "L09")]
    assert kit.wait(60) == []
    kit.minutes(2)  # of long ago
    assert kit.guard.holds
    kit.minutes(3, 4, 5, 6)

    assert kit.said("L09") == ["stale", "hold", "resume"]
    assert kit.processed == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize("stale", ["note", "refuse"])
def test_l09_silence_by_policy(stale):
    kit = Kit(realtime=True, stale=stale)
    kit.now_ns = bar(1)[0]
    kit.minutes(1)
    kit.wait(600)

    assert kit.said("L09") == ["stale"] if stale == "note" else ["stale", "refuse"]
    assert kit.guard.refused == (stale == "refuse")


def test_l09_a_closed_market_is_not_stale():
    """2024-01-05 is a Friday: New York closes at 21:00Z and opens on Monday at 14:30Z."""
    kit = Kit(realtime=True, calendar="XNYS")
    friday = (4 * 24 + 21) * 60
    kit.now_ns = bar(friday)[0]
    kit.minutes(friday)
    for _ in range(65):
        kit.wait(3600)
    assert kit.said("L09") == []
    for _ in range(32):
        kit.wait(60)
    assert kit.said("L09") == []  # 14:32
    kit.wait(120)
    assert kit.said("L09") == ["stale", "hold"]


def test_l10_what_waits_is_bounded():
    kit = Kit(wait_bars=5)
    kit.minutes(1)
    for minute in range(3, 2000):
        kit.minutes(minute)
        waiting = minute - kit.processed[-1]
        assert waiting <= 6
    assert len(kit.processed) == 1998


def test_l11_a_clock_that_jumps_holds_entries_until_a_bar_arrives_in_time():
    kit = Kit(realtime=True)
    kit.now_ns = bar(1)[0]
    kit.minutes(1)
    assert kit.wait(1, jump_s=4.9) == []
    ruled = kit.wait(1, jump_s=-3600)
    assert actions(ruled) == [("hold", "L11")]
    assert "-3600.000 s" in ruled[0].text
    kit.wait(57.1, jump_s=3600)
    assert kit.guard.counts["clock_jump"] == 2
    kit.minutes(2)

    assert kit.processed == [1, 2]
    assert kit.said("L11") == ["hold", "resume"]


def test_l11_a_machine_behind_the_feed_processes_bars_that_follow_and_holds():
    kit = Kit(realtime=True)
    kit.now_ns = bar(1)[0]
    kit.minutes(1)
    kit.now_ns += 60 * S
    kit.monotonic_ns += 60 * S
    kit.give(bar(30))  # not believed
    assert kit.processed == [1]
    assert kit.said("L11") == ["hold", "drop"]
    kit.now_ns = bar(1)[0]
    kit.minutes(2)  # follows: the machine is wrong
    assert kit.processed == [1, 2]
    assert any(rule == "L11" for rule, *_ in kit.guard.holds)
    kit.now_ns = bar(3)[0]
    kit.minutes(3)
    assert not kit.guard.holds


def test_l11_the_first_bar_of_a_session_follows_the_last_of_the_one_before():
    kit = Kit(realtime=True, calendar="XNYS")
    friday, monday = (4 * 24 + 21) * 60, (7 * 24 + 14) * 60 + 31
    kit.now_ns = bar(friday)[0]
    kit.minutes(friday)
    kit.now_ns = bar(monday)[0] - 60 * S
    kit.minutes(monday)

    assert kit.processed == [friday, monday]
    assert [rule for rule, *_ in kit.guard.holds] == ["L11", "L11"]  # a jump, and the skew


def test_l11_a_heartbeat_tells_the_skew():
    kit = Kit(realtime=True, clock="refuse")
    kit.take(Heartbeat(START_NS + 4 * S))
    assert not kit.guard.refused
    ruled = kit.take(Heartbeat(START_NS - 6 * S))

    assert actions(ruled) == [("refuse", "L11")]
    assert "expected at most 5 s between them" in ruled[0].text


def test_l11_a_replay_knows_no_clock():
    kit = Kit(realtime=False)
    kit.now_ns = 0
    kit.minutes(1)
    kit.wait(10**6, jump_s=10**6)
    kit.minutes(2)

    assert kit.processed == [1, 2]
    assert len(kit.rulings) == 2


@pytest.mark.parametrize(("policy", "processed"), [
    ("keep", [1259, 1260, 1261]), ("drop", [1259, 1260]), ("refuse", [1259, 1260]),
])  # fmt: skip
def test_l12_bars_outside_the_sessions(policy, processed):
    """New York closes at 21:00Z on 2024-01-02, which is minute 2700."""
    kit = Kit(calendar="XNYS", off_session=policy)
    kit.minutes(*(1440 + m for m in (1259, 1260, 1261)))

    assert kit.processed == [1440 + m for m in processed]
    assert kit.said("L12") == ([] if policy == "keep" else [policy])


@pytest.mark.parametrize(("policy", "action"), [("refuse", "drop"), ("drop", "drop"), ("keep", "")])
def test_l12_bars_off_the_grid_follow_the_declaration_of_the_bars(policy, action):
    kit = Kit(calendar="", bars={"off_grid": policy}, malformed_per_minute=5)
    off = (bar(1)[0] + 7, *bar(1)[1:])
    kit.give(bar(1), off, bar(2), (bar(2)[0] + 7, *bar(2)[1:]))

    assert len(kit.bars) == (4 if policy == "keep" else 2)
    assert kit.said("L12") == ([action] * 2 if action else [])


def test_l13_lines_that_are_no_bar_are_set_aside_with_their_digest():
    kit = Kit()
    ruled = kit.take(b'{"ts": NaN}')

    assert actions(ruled) == [("drop", "L13")]
    assert ruled[0].text.startswith("line 1: expected one JSON object")
    assert ruled[0].text.endswith("(11 bytes, sha256 4027189e08b29a85)")
    assert kit.guard.counts == {"malformed": 1}


def test_l13_too_many_in_a_minute_stop_the_run():
    kit = Kit(malformed_per_minute=3)
    for _ in range(9):  # never four within a minute
        kit.take(b"?")
        kit.wait(20)
    assert not kit.guard.refused
    kit.take(b"?")
    kit.take(b"?")

    assert kit.guard.refused
    assert "more than feed.malformed_per_minute, 3, within 60 s" in kit.rulings[-1].text
    assert kit.minutes(1) == []


@pytest.mark.parametrize("values", [
    (1.0, 0.5, 1.0, 1.0, 1.0), (1.0, 1.0, -1.0, 1.0, 1.0), (1.0, 1.0, 1.0, 1.0, -1.0),
    (1.0, 1.0, 5e-324, 1.0, 1.0), (1.0, float("inf"), 1.0, 1.0, 1.0), (2.0, 1.5, 1.0, 1.2, 0.0),
])  # fmt: skip
def test_l13_numbers_that_no_bar_has_are_set_aside(values):
    kit = Kit()
    ruled = kit.give((START_NS, *values))

    assert actions(ruled) == [("drop", "L13")]
    assert "expected 0 < low <= open, close <= high" in ruled[0].text


WRONG = {
    "cents": bar(3, 10_000.0),
    "a tenth": bar(3, 10.0),
    "a low that nobody paid": (*bar(3)[:3], 1.0, *bar(3)[4:]),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_l15_an_implausible_bar_waits_for_the_next_and_is_passed_over(wrong):
    kit = Kit(move_percent=50.0)
    kit.minutes(1, 2)
    assert actions(kit.give(wrong)) == [("hold", "L15")]
    kit.give(wrong)
    kit.minutes(4, 5, 6)

    assert kit.processed == [1, 2, 4, 5, 6]  # what was wrong is a gap
    assert kit.said("L15") == ["hold", "drop", "resume"]
    assert kit.guard.counts["unconfirmed"] == 1
    assert not kit.guard.holds


def test_l15_an_implausible_bar_can_be_corrected_by_the_feed():
    kit = Kit(move_percent=50.0)
    kit.give(bar(1), bar(2, 1000.0), bar(2, 1001.0), bar(2, 101.0), bar(3))

    assert kit.bars == [bar(1), bar(2, 101.0), bar(3)]
    assert kit.said("L15") == ["hold", "drop", "drop", "resume"]


def test_l15_a_crash_that_the_next_bar_confirms_is_processed():
    kit = Kit(move_percent=50.0)
    kit.give(bar(1), bar(2, 40.0))
    assert kit.processed == [1]
    kit.give(bar(3, 41.0))

    assert kit.bars == [bar(1), bar(2, 40.0), bar(3, 41.0)]
    assert kit.said("L15") == ["hold", "resume"]


def test_l15_volume_of_another_unit_waits_too():
    kit = Kit(volume_factor=1000.0)
    kit.minutes(*range(1, 33))
    kit.give(bar(33, volume=90_000.0))
    assert kit.processed[-1] == 32
    kit.give(bar(34))

    assert kit.guard.counts["implausible"] == 1
    assert 33 not in kit.processed


@pytest.mark.parametrize(("policy", "processed", "said"), [
    ("drop", [1, 3], ["drop"]), ("keep", [1, 2, 3], []), ("refuse", [1], ["refuse"]),
])  # fmt: skip
def test_l15_by_policy(policy, processed, said):
    kit = Kit(move_percent=20.0, implausible=policy, calendar="")
    kit.give(bar(1), bar(2, 130.0), bar(3))

    assert kit.processed == processed
    assert kit.said("L15")[:1] == said


def test_l15_a_price_that_is_repeated_for_too_long_holds_entries():
    kit = Kit(repeated_bars=3)
    kit.minutes(1, 2, 3)
    assert not kit.guard.holds
    kit.minutes(4, 5)
    assert kit.said("L15") == ["hold"]
    kit.give(bar(6, 101.0))

    assert kit.processed == [1, 2, 3, 4, 5, 6]
    assert kit.said("L15") == ["hold", "resume"]


@pytest.mark.parametrize("state", ["halted", "auction", "renamed", "delisted"])
def test_l16_an_instrument_that_is_not_traded_holds_entries_and_owes_nothing(state):
    kit = Kit(symbols=("A", "B"), wait_bars=9)
    kit.take(MarketState("B", state))
    assert kit.guard.holds
    kit.minutes(1, 2, symbol="A")
    assert kit.processed == [1, 2]
    kit.take(MarketState("B", "trading"))

    assert kit.said("L16") == ["hold", "resume"]
    assert kit.guard.counts["halt"] == 1


def test_l16_what_is_missing_of_a_halt_is_marked_and_not_waited_for():
    kit = Kit()
    kit.minutes(1)
    kit.take(MarketState("STDIN", "halted"))
    kit.take(MarketState("STDIN", "trading"))
    kit.minutes(30, 31, 33)

    assert kit.processed == [1, 30, 31]
    assert kit.said("L01") == ["note", "hold", "ask"]


def test_l17_bars_of_one_moment_are_processed_together_in_the_order_of_the_instruments():
    kit = Kit(symbols=("A", "B", "C"))
    kit.minutes(1, symbol="C")
    kit.minutes(1, symbol="A")
    assert kit.processed == []
    ruled = kit.minutes(1, symbol="B")

    assert [r.symbol for r in ruled] == ["A", "B", "C"]


def test_l17_a_moment_does_not_wait_for_ever_for_an_instrument():
    kit = Kit(symbols=("A", "B"), wait_s=10, calendar="")
    kit.minutes(1, symbol="A")
    kit.wait(9.9)
    assert kit.processed == []
    kit.wait(0.1)
    assert kit.processed == [1]
    late = kit.minutes(1, symbol="B")

    assert actions(late) == [("drop", "L05")]


def test_l19_history_and_feed_meet_at_an_exact_bar():
    kit = Kit(overlap_bars=2)
    for minute in range(1, 6):
        kit.guard.seed("STDIN", bar(minute), history=True)
    kit.minutes(4, 5, 6, 7)

    assert kit.processed == [6, 7]
    note = next(r for r in kit.rulings if r.rule == "L19")
    assert (note.action, note.text[:56]) == (
        "note", "handed over: 2 bars of history and feed compared before ",
    )  # fmt: skip
    assert kit.give(bar(5, 1.0))[0].rule == "L03"  # handed over: an ordinary conflict


def test_l19_a_bar_that_differs_refuses_to_arm_with_the_first_field():
    kit = Kit()
    kit.guard.seed("STDIN", bar(1), history=True)
    ruled = kit.give((*bar(1)[:5], 9.000000000000002))

    assert actions(ruled) == [("refuse", "L19")]
    assert "volume is 9.000000000000002, before it was 9.0" in ruled[0].text


def test_l19_too_little_overlap_or_a_bar_that_history_lacks_refuses_to_arm():
    short, lacking = Kit(overlap_bars=2), Kit()
    for minute in (1, 2, 4):
        short.guard.seed("STDIN", bar(minute), history=True)
        lacking.guard.seed("STDIN", bar(minute), history=True)
    short.minutes(4, 5)
    lacking.minutes(3)

    assert (short.processed, lacking.processed) == ([], [])
    assert short.said("L19") == lacking.said("L19") == ["refuse"]
    assert "expected at least feed.overlap_bars, 2" in short.rulings[-1].text
    assert "the history has not" in lacking.rulings[-1].text


def test_l19_a_hole_between_history_and_feed_is_a_gap():
    kit = Kit()
    kit.guard.seed("STDIN", bar(1), history=True)

    assert actions(kit.minutes(3)) == [("hold", "L01"), ("ask", "L01")]


def test_after_a_restart_the_feed_goes_on_after_the_last_bar_of_the_journal():
    kit = Kit()
    for minute in (1, 2, 3):
        kit.guard.seed("STDIN", bar(minute))
    assert kit.guard.last_ts_ns() == {"STDIN": bar(3)[0]}
    kit.give(bar(2), bar(3, 7.0), bar(4))

    assert kit.processed == [4]
    assert (kit.guard.counts["duplicate"], kit.guard.counts["conflict"]) == (1, 1)


def test_l08_what_is_older_than_the_journal_tells_is_no_late_bar():
    kit = Kit(late="refuse")
    for minute in (50, 51):
        kit.guard.seed("STDIN", bar(minute))
    kit.minutes(*range(1, 53))

    assert kit.processed == [52]
    counts = kit.guard.counts
    assert (counts["overlap_old"], counts["duplicate"]) == (49, 2)


def test_the_end_of_a_feed_releases_what_waits_and_drops_what_nobody_confirmed():
    kit = Kit(move_percent=50.0)
    kit.give(bar(1), bar(3), bar(4, 1000.0))
    kit.finish()

    assert kit.processed == [1, 3]
    assert kit.said("L15") == ["hold", "drop"]


def test_one_bar_takes_little_time():
    """The guard is not what limits a feed: well below a tenth of a millisecond a bar."""
    from time import perf_counter

    kit = Kit()
    items = [Delivered("STDIN", (START_NS + m * MINUTE_NS, 1.0, 2.0, 1.0, 2.0, 9.0))
             for m in range(5000)]  # fmt: skip
    started = perf_counter()
    for item in items:
        kit.guard.take(item, START_NS, 0)
    assert perf_counter() - started < 5000 * 100e-6
