"""Every legal and every illegal step of a rollout (G07)."""

import itertools

import msgspec
import pytest

from admf_fast import ProductionMigration
from admf_fast.errors import ConfigError, StateError
from admf_fast.rollout import Digests, load_plan
from tests.rollout.kit import (
    MODES,
    NOW,
    OTHERS,
    OURS,
    PLAN,
    WHO,
    climb,
    evidence,
    migration_of,
    plan_of,
)

LAST = len(MODES) - 1
# What may be wrong with a promotion: (what is shown, what would run, who) and the word for it.
SPOILT = {
    "bars": {"bars": 99},
    "days": {"days": 9},
    "logic": {"logic_divergences": 1, "first_divergence": "signals"},
    "input": {"input_divergences": 1},
    "unmatched fills": {"unmatched_percent": 0.5},
    "figures": {"outside": ("volatility",)},
}


@pytest.mark.parametrize("place", range(LAST + 1))
def test_one_stage_up_and_only_with_all_that_is_asked_for(tmp_path, place):
    migration = climb(migration_of(plan_of(tmp_path)), place)
    before = migration.history
    good = evidence(MODES[place], migration.shown_ns + 1_000_000)
    if place == LAST:
        with pytest.raises(StateError, match="in its last stage already"):
            migration.promote(good, current=OURS, **WHO)
        return
    for word, change in SPOILT.items():
        with pytest.raises(StateError, match=word):
            migration.promote(msgspec.structs.replace(good, **change), current=OURS, **WHO)
    for mode in {"backtest", "paper", "live"} - {
        MODES[place],
        *({"live"} if place in (1, 2) else ()),
    }:
        with pytest.raises(StateError, match="mode of the run"):
            migration.promote(msgspec.structs.replace(good, mode=mode), current=OURS, **WHO)
    for name in ("operator", "reason"):
        for words in (
            "",
            " ",
            "a\nb",
            "x" * 2000,
            "\x1b[2J",
            *(["automatic"] * (name == "operator")),
        ):
            with pytest.raises(ConfigError, match=f"{name}: expected"):
                migration.promote(good, current=OURS, **{**WHO, name: words})
    assert migration.history == before
    step = migration.promote(good, current=OURS, **WHO)
    assert (step.stage, step.before) == (
        migration.plan.stages[place + 1].name,
        (before and before[-1].stage) or "history",
    )
    assert (step.operator, step.reason, step.at) == (
        *WHO.values(),
        NOW.isoformat(timespec="seconds"),
    )
    assert step.evidence == good


@pytest.mark.parametrize("place", range(LAST))
@pytest.mark.parametrize("kind", ["config", "code"])
def test_code_or_configuration_that_was_not_validated_is_refused_g07(tmp_path, place, kind):
    migration = climb(migration_of(plan_of(tmp_path)), place)
    other = msgspec.structs.replace(OURS, **{kind: "changed"})
    good = evidence(MODES[place], migration.shown_ns + 1_000_000)
    word = "configuration" if kind == "config" else "code"
    with pytest.raises(StateError, match=f"{word} now: expected the validated"):
        migration.promote(good, current=other, **WHO)
    shown = msgspec.structs.replace(good, digests=other)
    if place == 0:  # where it is validated
        migration.promote(shown, current=other, **WHO)
        assert migration.validated == other
        return
    for current in (OURS, other):
        with pytest.raises(StateError, match=f"{word} of the run: expected the validated"):
            migration.promote(shown, current=current, **WHO)
    assert migration.validated == OURS
    # The way is down to the first stage, and up again.
    migration.demote(to="history", **WHO)
    assert migration.validated is None
    migration.promote(evidence("backtest", digests=other), current=other, **WHO)
    assert migration.validated == other


@pytest.mark.parametrize(("place", "goal"), [*itertools.product(range(LAST + 1), range(LAST + 1))])
def test_down_to_any_stage_below_and_to_no_other(tmp_path, place, goal):
    migration = climb(migration_of(plan_of(tmp_path)), place)
    name = migration.plan.stages[goal].name
    if goal >= place:
        with pytest.raises(StateError, match="expected a stage below"):
            migration.demote(to=name, **WHO)
        return
    step = migration.demote(to=name, **WHO)
    assert (step.action, step.stage, migration.stage.name) == ("demote", name, name)
    assert migration.validated == (OURS if goal else None)
    with pytest.raises(StateError, match="expected a stage below"):
        migration.demote(to="nowhere", **WHO)


GOALS = [("paper", 0.4), ("paper", 1.0), ("live", 0.01), ("live", 0.125), ("live", 1.0)]


@pytest.mark.parametrize(
    ("place", "goal"), [*itertools.product(range(LAST + 1), range(1, LAST + 1))]
)
def test_transitions_by_fraction_follow_the_same_rules(tmp_path, place, goal):
    migration = climb(migration_of(plan_of(tmp_path)), place)
    mode, fraction = GOALS[goal - 1]
    go = {"paper": migration.transition_to_paper, "live": migration.transition_to_live}[mode]
    shown = evidence(MODES[place], migration.shown_ns + 1_000_000)
    if goal == place + 1:
        with pytest.raises(StateError, match="expected evidence"):
            go(fraction, **WHO)
        with pytest.raises(StateError, match="bars: expected"):
            go(fraction, evidence=msgspec.structs.replace(shown, bars=1), current=OURS, **WHO)
    if goal < place or goal == place + 1:
        go(fraction, evidence=shown, current=OURS, **WHO)
        rest = {"paper": "backtest", "live": "paper"}[mode]
        assert migration.modes == dict.fromkeys(("backtest", "paper", "live"), 0.0) | {
            rest: 1.0 - fraction, mode: fraction,
        }  # fmt: skip
        return
    with pytest.raises(StateError, match="expected the next stage"):
        go(fraction, evidence=shown, current=OURS, **WHO)


@pytest.mark.parametrize("fraction", [0.02, 0.0, -0.1, 1.5, float("nan"), 1])
def test_a_fraction_that_no_stage_has_is_refused(tmp_path, fraction):
    migration = climb(migration_of(plan_of(tmp_path)), 2)
    if fraction == 1:
        with pytest.raises(StateError, match="expected the next stage"):
            migration.transition_to_live(fraction, **WHO)
        return
    with pytest.raises(ConfigError, match="expected the fraction of a stage"):
        migration.transition_to_live(fraction, **WHO)


def test_shares_add_up_to_one_in_every_stage_of_the_default_plan():
    migration = ProductionMigration()
    assert migration.modes == {"backtest": 1.0, "paper": 0.0, "live": 0.0}
    migration.transition_to_paper(1.0, evidence=evidence("backtest"), current=OURS, **WHO)
    for number, fraction in enumerate((0.01, 0.1, 0.5, 1.0)):
        shown = evidence(migration.stage.mode, 1000 * (number + 1))
        migration.transition_to_live(fraction, evidence=shown, current=OURS, **WHO)
        assert migration.modes["live"] == fraction
        assert sum(migration.modes.values()) == pytest.approx(1.0, abs=1e-15)
    assert len(migration.history) == 5


@pytest.mark.parametrize("place", range(1, LAST + 1))
def test_bars_show_something_for_one_stage_only(tmp_path, place):
    migration = climb(migration_of(plan_of(tmp_path)), place - 1)
    shown = evidence(MODES[place - 1], migration.shown_ns + 1_000_000)
    migration.promote(shown, current=OURS, **WHO)
    if place == LAST or MODES[place] != MODES[place - 1]:
        return
    with pytest.raises(StateError, match="bars of this stage alone"):
        migration.promote(shown, current=OURS, **WHO)
    later = evidence(MODES[place], shown.last_ts_ns + 1)
    migration.promote(later, current=OURS, **WHO)


BREACHES = {
    "logic": ({"logic_divergences": 1, "first_divergence": "state"}, "paper", "paper"),
    "execution": ({"execution_bps": 5.1}, "paper", "live-1"),
    "unmatched": ({"unmatched_percent": 0.1}, "paper", "live-1"),
    "figures": ({"outside": ("exposure",)}, "paper", "live-1"),
    "digests": ({"digests": OTHERS}, "paper", "paper"),
}


@pytest.mark.parametrize("name", BREACHES)
def test_a_breach_takes_it_down_by_itself_and_says_why(tmp_path, name):
    change, from_one, from_twelve = BREACHES[name]
    for place, goal in ((3, from_one), (4, from_twelve)):
        folder = tmp_path / str(place)
        folder.mkdir()
        migration = climb(migration_of(plan_of(folder)), place)
        assert migration.observe(evidence("live", bars=1)) is None  # not enough is no breach
        if (name, place) == ("execution", 4):  # that stage has no such gate
            assert migration.observe(evidence("live", **change)) is None
            continue
        step = migration.observe(evidence("live", **change))
        assert (step.stage, step.automatic, step.operator) == (goal, True, "automatic")
        assert step.reason
        assert migration_of(load_plan(folder / "plan.yaml")).stage.name == goal


def test_a_plan_says_where_a_breach_leads(tmp_path):
    text = PLAN + "on_breach: history\non_logic_divergence: paper-40\n"
    migration = climb(migration_of(plan_of(tmp_path, text)), 4)
    assert migration.observe(evidence("live", logic_divergences=1)).stage == "paper-40"
    # In the stage where it would lead, or below, it stays.
    assert migration.observe(evidence("paper", logic_divergences=1)) is None
    assert migration.observe(evidence("paper", outside=("x",))).stage == "history"


def test_a_changed_plan_takes_effect_from_the_first_stage_on(tmp_path):
    climb(migration_of(plan_of(tmp_path)), 3)
    other = migration_of(plan_of(tmp_path, PLAN.replace("bars: 100", "bars: 1")))
    assert other.status().plan_changed
    with pytest.raises(StateError, match="the plan is not the one that it began with"):
        other.promote(evidence("live", 10**6), current=OURS, **WHO)
    other.demote(to="history", **WHO)
    assert not other.status().plan_changed
    other.promote(evidence("backtest", bars=1), current=OURS, **WHO)
    with pytest.raises(StateError, match="which the plan does not have as such"):
        migration_of(plan_of(tmp_path, PLAN.replace("percent: 40", "percent: 30"))).status()


def test_validated_digests_are_those_of_the_first_evidence(tmp_path):
    migration = climb(migration_of(plan_of(tmp_path)), 2)
    assert migration.status().validated == Digests(config="c1", code="k1")


WHOLE_PAPER = "  - {name: paper, mode: paper, gates: {bars: 100, days: 10}}\n"


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        ("percent: 40", "percent: 0", "percent"),
        ("percent: 12.5", "percent: 0.5", "expected stages upwards"),
        ("name: live-1,", "name: paper,", "a name used once"),
        ("mode: backtest,", "mode: backtest, percent: 50,", "expected 100 in a backtest"),
        (WHOLE_PAPER, "", "expected 100 % of paper"),
        ("bars: 100", "bars: -1", "bars"),
        ("config: c.yaml", "config: c.yaml\non_breach: nowhere", "on_breach"),
        ("config: c.yaml", "confg: c.yaml", "confg"),
        ("mode: live}", "mode: production}", "mode"),
    ],
)  # fmt: skip
def test_a_plan_that_makes_no_sense_is_refused_with_its_line(tmp_path, old, new, word):
    with pytest.raises(ConfigError, match=word) as error:
        plan_of(tmp_path, PLAN.replace(old, new, 1))
    assert "plan.yaml:" in str(error.value)


def test_live_without_paper_is_refused(tmp_path):
    text = "name: x\nconfig: c\nstages:\n  - {name: a, mode: backtest}\n  - {name: b, mode: live}\n"
    with pytest.raises(ConfigError, match="expected a stage of mode paper before live"):
        plan_of(tmp_path, text)
