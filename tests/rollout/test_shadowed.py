"""Gates that ask for a shadow are passed by what the journal of a live run says, and no more."""

import shutil
from pathlib import Path

import msgspec
import pytest

from admf_fast.cli.main import main
from admf_fast.errors import StateError
from admf_fast.journal import Journal
from admf_fast.journal.messages import BarInput, Command, Ended, Outcome, Started, encode
from admf_fast.rollout import (
    GatesSpec,
    StageSpec,
    check_gates,
    evidence_of_journal,
    evidence_of_runs,
)
from admf_fast.rollout.shadowed import Shadowed
from tests.rollout.kit import OURS, climb, migration_of, plan_of

ROOT = Path(__file__).parents[2]
DAY_NS = 86_400_000_000_000
STAGE = StageSpec(
    name="paper", mode="paper", gates=GatesSpec(bars=1, days=1, shadow_bars=3, shadow_days=2)
)


def started(*, shadow=True, config="c1", mode="paper"):
    digests = {"config": config, "code": "k1", "environment": "e"}
    return Started(lineage="l", mode=mode, config=b"{}", digests=digests, shadow=shadow)


def bars(*days, warm=False):
    """Return two bars of each day, each with its answer."""
    made = []
    for day in days:
        for hour in (1, 2):
            ts_ns = day * DAY_NS + hour
            prices = dict.fromkeys(("open", "high", "low", "close"), 1.0)
            bar = BarInput(ts_ns=ts_ns, symbol="X", volume=1.0, warm=warm, **prices)
            made += [bar, Outcome(input_sequence=0, checksum=1, events=1, last_event=1)]
    return made


def journal_of(folder, *messages):
    journal = Journal(str(folder / "journal"))
    for message in messages:
        journal.append(encode(message))
    journal.close()
    return folder


def compared(folder, *messages, **more):
    found = Shadowed(journal_of(folder, *messages), **more)
    return found.bars, found.days, len(found.times)


END = Ended(status="ended")


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ([started(), *bars(1, 2), END], (4, 2, 4)),
        ([started(shadow=False), *bars(1, 2), END], (0, 0, 4)),
        ([started(), *bars(1, 2)], (3, 2, 4)),  # nothing shows that the last one was compared
        ([started(), *bars(1, 2), started(), *bars(3), END], (5, 3, 6)),
        ([started(), *bars(1), started(shadow=False), *bars(2), END], (1, 1, 4)),
        ([started(), *bars(1, warm=True), *bars(2), END], (2, 1, 2)),
        ([started(config="c0"), *bars(1, 2), started(), *bars(3), END], (2, 1, 2)),
        ([started(), *bars(1), Command(action="freeze", origin="file")], (2, 1, 2)),
        ([started(), *bars(1), Ended(status="diverged", text="bar 1")], (1, 1, 2)),
    ],
)
def test_bars_count_that_a_shadow_is_known_to_have_compared(tmp_path, messages, expected):
    assert compared(tmp_path, *messages) == expected


def test_bars_of_an_earlier_stage_and_after_the_tables_do_not_count(tmp_path):
    limits = {"after_ns": 2 * DAY_NS + 1, "until_ns": 3 * DAY_NS + 1}
    found = compared(tmp_path, started(), *bars(1, 2, 3, 4), END, **limits)

    assert found == (2, 2, 2)


def test_a_run_that_its_shadow_ended_leads_down_and_none_without_tables_leads_up(tmp_path):
    migration = climb(migration_of(plan_of(tmp_path)), 3)
    sealed = Ended(status="diverged", text="live bar 7 state.fast")
    run = journal_of(tmp_path, started(mode="live"), *bars(1000, 1001), sealed)
    shown = evidence_of_journal(run, after_ns=migration.shown_ns)
    gates = {gate.name: gate for gate in migration.check(shown)}

    assert (shown.logic_divergences, shown.digests) == (1, OURS)
    assert gates["logic"].breach
    assert "live bar 7 state.fast" in gates["logic"].found
    assert not gates["tables of the run"].passed
    step = migration.observe(shown)
    assert (step.automatic, step.stage) == (True, "paper")
    assert step.evidence.journal == shown.journal


def test_a_run_under_way_is_no_breach_and_is_not_promoted(tmp_path):
    migration = climb(migration_of(plan_of(tmp_path)), 3)
    run = journal_of(tmp_path, started(mode="live"), *bars(*range(1000, 1060)))
    shown = evidence_of_journal(run, after_ns=migration.shown_ns)

    assert migration.observe(shown) is None
    with pytest.raises(StateError, match="tables of the run: expected those"):
        migration.promote(shown, operator="Ada L.", reason="in a hurry", current=OURS)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A backtest, and live runs with and without a shadow, of the same configuration."""
    place = tmp_path_factory.mktemp("shadowed")
    text = (ROOT / "examples" / "sma_cross.yaml").read_text()
    text = text.replace("../data", str(ROOT / "data"))
    for name, more in (("with", "live: {shadow: true}\n"), ("without", "")):
        config = place / "a.yaml"
        config.write_text(text + more)
        run = str(place / name)
        assert main(["live", str(config), "--feed", "replay:", "--run", run, "--json"]) == 0
    model = ["backtest", str(config), "--no-parity", "--out", str(place / "model")]
    assert main(model) == 0
    return place


def test_a_shadow_passes_its_gates_and_a_run_without_does_not(runs):
    shown = evidence_of_runs(runs / "with", runs / "model")
    gates = check_gates(STAGE, shown)

    assert (shown.shadow_bars, shown.shadow_days) == (shown.bars, shown.days) == (3270, 3270)
    assert [gate.text for gate in gates if not gate.passed] == []
    bare = evidence_of_runs(runs / "without", runs / "model")
    assert (bare.bars, bare.shadow_bars, bare.logic_divergences) == (3270, 0, 0)
    missing = [gate.name for gate in check_gates(STAGE, bare) if not gate.passed]
    assert missing == ["bars with a shadow", "days with a shadow"]


def test_a_journal_of_another_run_or_a_changed_one_shows_nothing(runs, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(runs / "with", folder)
    shutil.rmtree(folder / "journal")
    journal_of(folder, started(), *bars(1, 2), END)
    with pytest.raises(StateError, match="expected a journal of the run that the tables are of"):
        evidence_of_runs(folder, runs / "model")
    shutil.rmtree(folder / "journal")
    shutil.copytree(runs / "with" / "journal", folder / "journal")
    (segment, *_) = sorted((folder / "journal").glob("0*"))
    content = bytearray(segment.read_bytes())
    content[5000] ^= 1
    segment.write_bytes(content)
    with pytest.raises(StateError):
        evidence_of_runs(folder, runs / "model")


def test_gates_say_times_as_people_do(runs):
    after_ns = 1_262_304_000_000_000_000  # 2010-01-01
    shown = evidence_of_runs(runs / "with", runs / "model", after_ns=after_ns)
    texts = " ".join(gate.text for gate in check_gates(STAGE, shown, after_ns=after_ns))

    assert "bars after 2010-01-01T00:00:00Z" in texts
    assert str(after_ns) not in texts
    assert msgspec.json.encode(shown)  # which has the nanoseconds
