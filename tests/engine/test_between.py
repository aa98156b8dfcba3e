"""What comes between bars: commands of an operator, warm bars, and reports that do not fit."""

from itertools import pairwise

import numpy as np
import pytest

from admf_fast.errors import BarError, StateError, VenueError
from admf_fast.journal.messages import Report
from admf_fast.parity.compare import first_difference
from admf_fast.runners.historical import HistoricalRunner
from admf_fast.runners.live import LiveRunner
from admf_fast.runners.setup import prepare
from admf_kernels.testing import random_bars
from tests.engine.kit import block_of, config_of, log_of

TEXT = """strategy: {kernel: sma_cross, params: {fast: 3, slow: 8}}
sizing: {kind: fixed, quantity: 5}
"""
BARS = random_bars(300, 11)
ROWS = list(zip(*(c.tolist() for c in BARS), strict=True))


def live(rows=ROWS, commands=None, warm=0, **more):
    """Run bars, with commands after some of them; returns the runner and its checksums."""
    runner = LiveRunner(prepare(config_of(TEXT)), **more)
    sums = []
    for k, row in enumerate(rows):
        sums.append(runner.step(*row, warm=k < warm).checksum)
        if commands and k in commands:
            runner.halt(commands[k])
    return runner, sums


def lots_of(runner):
    return runner.finish().tables["equity"]["lots"].to_pylist()


def test_a_frozen_run_leaves_but_does_not_enter():
    plain, frozen = lots_of(live()[0]), lots_of(live(commands={100: "freeze"})[0])

    assert plain[:101] == frozen[:101]
    sizes = [abs(lots) for lots in frozen[101:]]
    assert sizes[0] > 0
    assert sizes[-1] == 0, "the signal closes what is open"
    assert all(b <= a for a, b in pairwise(sizes))


def test_a_flattened_run_is_flat_from_the_next_open_until_the_signal_changes_after_resume():
    runner, _ = live(commands={100: "flatten", 200: "resume"})
    result = runner.finish()
    lots = result.tables["equity"]["lots"].to_pylist()

    assert lots[100] != 0
    assert lots[101:201] == [0] * 100
    assert any(lots[201:])
    closing = [o for o in result.tables["orders"].to_pylist() if o["role"] == "operator"]
    assert [o["lots"] for o in closing] == [-lots[100]]
    changed = next(s["ts"] for s in result.tables["signals"].to_pylist()
                   if s["ts"].value > ROWS[200][0])  # fmt: skip
    entered = next(r["ts"] for r in result.tables["equity"].to_pylist()[201:] if r["lots"])
    assert entered > changed


def test_a_flat_run_that_is_frozen_and_resumed_is_as_if_nothing_had_been():
    sums, plain = live(commands={3: "freeze", 5: "resume"})[1], live()[1]

    assert sums[:4] + sums[6:] == plain[:4] + plain[6:]
    assert sums[4:6] != plain[4:6], "the hold is part of the checksum"


def test_history_with_the_same_commands_after_the_same_bars_is_the_same_run_bit_for_bit():
    commands = {40: "freeze", 90: "resume", 150: "flatten", 220: "resume"}
    runner, sums = live(commands=commands)
    history = HistoricalRunner(prepare(config_of(TEXT)))
    cuts = [0, *(k + 1 for k in sorted(commands)), len(ROWS)]
    for start, stop in pairwise(cuts):
        history.feed(block_of(BARS.rows(start, stop)))
        if stop - 1 in commands:
            history.halt(commands[stop - 1])

    assert history.state_checksum == runner.state_checksum
    mine, theirs = runner.finish(), history.finish()
    assert mine.tables["equity"]["checksum"].to_pylist() == sums
    assert first_difference("halted", log_of(theirs), log_of(mine)) is None
    assert mine.layers == theirs.layers


def test_a_hold_is_part_of_the_state_and_survives_a_restart():
    runner, _ = live(ROWS[:101], {100: "flatten"})
    again = LiveRunner(prepare(config_of(TEXT)))
    again.restore(runner.save())

    assert again.holds == ("frozen", "flat") == runner.holds
    assert again.state_checksum == runner.state_checksum
    assert [again.step(*r).checksum for r in ROWS[101:]] == [
        runner.step(*r).checksum for r in ROWS[101:]
    ]


def test_a_command_that_is_none_is_refused():
    with pytest.raises(StateError, match="expected freeze, flatten, resume"):
        live(ROWS[:3])[0].halt("stop")


def test_warm_bars_advance_everything_but_orders_and_leave_the_account_as_it_was():
    runner, _ = live(warm=120)
    result, plain = runner.finish(), live()[0].finish()
    equity = result.tables["equity"].to_pylist()

    assert [r["lots"] for r in equity[:121]] == [0] * 121
    assert {r["cash"] for r in equity[:121]} == {equity[0]["cash"]}
    assert [r["signal"] for r in equity] == [
        r["signal"] for r in plain.tables["equity"].to_pylist()
    ]
    orders = result.tables["orders"].to_pylist()
    assert min(o["ts"].value for o in orders) >= ROWS[120][0]
    # By default the change of the signal comes first.
    first = next(k for k in range(120, 300) if equity[k]["signal"] != equity[k - 1]["signal"])
    assert orders[0]["ts"].value == ROWS[first][0]


def test_a_signal_that_is_on_at_hand_over_is_followed_at_once_where_that_is_wanted():
    orders = live(warm=120, follow=True)[0].finish().tables["orders"].to_pylist()

    assert orders[0]["ts"].value == ROWS[120][0]


def test_a_warm_bar_after_another_bar_is_refused_and_changes_nothing():
    runner, _ = live(ROWS[:5])
    before = runner.save()

    with pytest.raises(BarError, match="before all other bars"):
        runner.step(*ROWS[5], warm=True)

    assert runner.save() == before


def test_a_restart_while_warming_up_goes_on_warming_up():
    runner, _ = live(ROWS[:50], warm=120)
    again = LiveRunner(prepare(config_of(TEXT)))
    again.restore(runner.save())
    for k, row in enumerate(ROWS[50:], 50):
        again.step(*row, warm=k < 120)

    assert again.state_checksum == live(warm=120)[0].state_checksum


def test_a_report_to_a_run_that_fills_itself_is_refused():
    runner, _ = live(ROWS[:20])
    before = runner.save()
    report = Report(report_id="1", client_id="A", order_id=10, ts_ns=1, status="filled", lots=1,
                    price=1.0)  # fmt: skip

    with pytest.raises(VenueError, match="a venue fills"):
        runner.report(report)

    assert runner.save() == before
    assert np.array_equal(runner.program.state, live(ROWS[:20])[0].program.state)
