"""What the tests of rollouts share: a plan, evidence, and a clock that stands still."""

from datetime import UTC, datetime
from pathlib import Path

from admf_fast.rollout import Digests, Evidence, Plan, ProductionMigration, load_plan

NOW = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
OURS, OTHERS = Digests(config="c1", code="k1"), Digests(config="c2", code="k1")
WHO = {"operator": "Ada L.", "reason": "all gates passed"}
PLAN = """\
name: move
config: c.yaml
state: state
stages:
  - {name: history, mode: backtest, gates: {bars: 100, days: 10}}
  - {name: paper-40, mode: paper, percent: 40, gates: {bars: 100, days: 10}}
  - {name: paper, mode: paper, gates: {bars: 100, days: 10}}
  - {name: live-1, mode: live, percent: 1, gates: {bars: 100, days: 10, max_execution_bps: 5}}
  - {name: live-12.5, mode: live, percent: 12.5, gates: {bars: 100, days: 10}}
  - {name: live, mode: live}
"""
MODES = ("backtest", "paper", "paper", "live", "live", "live")


def plan_of(folder: Path, text: str = PLAN) -> Plan:
    path = folder / "plan.yaml"
    path.write_text(text)
    return load_plan(path)


def evidence(mode: str, first_ts_ns: int = 1, **fields: object) -> Evidence:
    given: dict[str, object] = {
        "mode": mode, "digests": OURS, "run_id": "r", "reference_id": "m",
        "first_ts_ns": first_ts_ns, "last_ts_ns": first_ts_ns + 99, "bars": 100, "days": 10,
    }  # fmt: skip
    return Evidence(**{**given, **fields})  # type: ignore[arg-type]


def migration_of(plan: Plan) -> ProductionMigration:
    return ProductionMigration(plan, clock=lambda: NOW)


def climb(migration: ProductionMigration, to: int) -> ProductionMigration:
    """Go up to the stage number `to`, each with bars of its own."""
    for place in range(migration.plan.place(migration.stage.name), to):
        shown = evidence(MODES[place], migration.shown_ns + 1 + 1000 * place)
        migration.promote(shown, current=OURS, **WHO)
    return migration
