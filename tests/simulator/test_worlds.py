"""Worlds of one seed each: live runs in them hold what they promise, and broken ones are caught."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from admf_fast.cli.main import main
from admf_fast.journal.journal import Journal
from admf_fast.simulator import oracles
from admf_fast.simulator.plan import FAULTS, plan_of
from admf_fast.simulator.simulate import killed_everywhere, shrink, simulate

BARS = 40
SEEDS = range(60)
ROT = (
    "clock_freeze", "clock_jump", "conflict", "forgetful", "in_progress", "late", "order",
    "outage", "parts", "power", "reject", "state_rot",
)  # fmt: skip


def test_worlds_full_of_faults_end_well():
    results = [simulate(plan_of(seed, BARS)) for seed in SEEDS]

    assert [(r.plan.seed, r.failures) for r in results if r.failures] == []
    struck = {name for r in results for name in r.faults}
    assert len(struck) > 12
    assert sum(r.lives for r in results) > len(SEEDS) + 50
    assert sum(r.fills for r in results) > 100


def world(seed, bars, faults):
    """Return the world of a seed with some of its faults alone."""
    plan = plan_of(seed, bars, venue=True)
    return replace(plan, rates={name: plan.rates[name] for name in faults})


def test_o16_the_venue_never_holds_more_than_the_limit_also_after_a_resume_in_the_dark():
    """The exit of a short filled unheard, an operator resumes, the strategy turns long."""
    result = simulate(world(517, 42, ("lost", "slow", "parts")))

    assert result.faults["lost"] > 0
    assert result.failures == []


def test_o16_a_turn_waits_where_a_stop_may_have_filled_unheard():
    result = simulate(plan_of(3182, 60))

    assert result.faults["slow"] > 0
    assert result.failures == []


def test_o11_fills_that_make_up_for_each_other_are_missing_all_the_same():
    """Two orders miss a fill each, and the positions agree: a resume freezes again."""
    result = simulate(plan_of(3314, 60))

    assert result.faults["lost"] > 0
    assert result.failures == []


def test_a_freeze_for_a_report_that_is_still_on_its_way_when_faults_end_is_lifted():
    result = simulate(world(515, 60, ("order", "slow", "state_rot", "parts")))

    assert result.faults["slow"] > 0
    assert result.failures == []


def test_rot_passes_over_a_state_that_lost_its_bytes_with_the_power():
    assert simulate(world(73, 200, ROT)).failures == []


@pytest.mark.parametrize("seed", [5, 8, 21])
def test_a_seed_is_a_world(seed):
    first, second = (simulate(plan_of(seed, BARS)) for _ in range(2))

    assert first == second
    assert first.digest != simulate(plan_of(seed + 1, BARS)).digest


@pytest.mark.parametrize("venue", [False, True])
def test_p01_killed_at_every_call_a_run_ends_as_the_undisturbed_one(venue):
    undisturbed, *killed = killed_everywhere(plan_of(4, 14, venue=venue), every=11)

    assert undisturbed.failures == []
    assert undisturbed.fills > 0
    assert len(killed) > 20
    assert {r.lives for r in killed} == {2}
    assert [(r.plan.kill_at, r.failures) for r in killed if r.failures] == []


def powerless(seed):
    """Return a world that loses power often, and saves its state rarely."""
    return replace(plan_of(seed, BARS, venue=True), rates={"power": 0.2, "kill": 0.1}, live=3)


def test_a_journal_that_does_not_sync_is_caught_and_shrunk(monkeypatch):
    def forget(self):
        self._acknowledged = self._last

    monkeypatch.setattr(Journal, "sync", forget)
    failed = [r for r in (simulate(powerless(seed)) for seed in range(8)) if r.failures]

    assert failed
    assert set(shrink(failed[0]).plan.rates) == {"power"}


def test_fills_that_are_booked_twice_are_caught(monkeypatch):
    plan = replace(plan_of(4, BARS, venue=True), rates={})
    assert simulate(plan).failures == []
    monkeypatch.setattr(oracles.Evidence, "_collect", collect_twice)

    assert any("accounting: fills come to" in text for text in simulate(plan).failures)


def collect_twice(self, events):
    self.fills += [oracles.FillRow(*v) for t, v in events if t == "fills" for _ in range(2)]


def test_every_fault_has_a_place_in_some_world():
    seen = {name for seed in range(100) for name in plan_of(seed, BARS).rates}
    assert seen == set(FAULTS)


def test_the_command_tells_what_it_did(capsys):
    assert main(["simulate", "--seeds", "0..3", "--events", "160", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)

    assert told["worlds"] == 4
    assert told["failures"] == []
    assert sorted(told["digests"]) == ["0", "1", "2", "3"]


def test_the_command_fails_with_the_seed(capsys, monkeypatch):
    monkeypatch.setattr(oracles, "ORACLES", {"none": lambda found: iter(["made up"])})

    assert main(["simulate", "--seed", "7", "--events", "160"]) == 6
    told = capsys.readouterr()
    assert "seed 7 failed, with no faults" in told.out
    assert "admf simulate --seed 7" in told.err


def test_the_command_refuses_seeds_that_are_none(capsys):
    assert main(["simulate", "--seeds", "9..3"]) == 2
    assert "expected A..B" in capsys.readouterr().err
