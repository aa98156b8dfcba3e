"""`admf rollout`: where a rollout is, what it has shown, and one stage up or down."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from admf_fast.cli.failure import diverged
from admf_fast.cli.output import json_option, write_json, write_lines
from admf_fast.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from admf_fast.rollout import Digests, Evidence, Gate, Plan, ProductionMigration, Step

plan_argument = click.argument("path", metavar="PLAN", type=click.Path(path_type=Path))
operator_option = click.option("--operator", required=True, metavar="NAME", help="Who decides.")
reason_option = click.option("--reason", required=True, metavar="TEXT", help="Why; recorded.")


def evidence_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say what the present stage has shown."""
    for option in (
        click.option("--baseline", "baseline", type=click.Path(path_type=Path), metavar="FILE",
                     help="Of admf baseline --out: hold the run's days to its bands as well."),
        click.option("--against", type=click.Path(path_type=Path), metavar="RUN",
                     help="Run directory of the model on the same bars  [default: RUN itself, in "
                     "the stage of mode backtest]"),
        click.option("--run", "run", required=True, type=click.Path(path_type=Path), metavar="RUN",
                     help="Run directory of the present stage."),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group("rollout")
def group() -> None:
    """Take a strategy from backtest over paper to live, by a plan, one gate after the other."""


@group.command("status")
@plan_argument
@json_option
def status(path: Path, as_json: bool) -> None:
    """Show the stage of PLAN, the shares of the modes, and every step so far."""
    from msgspec import to_builtins

    from admf_fast.report import align

    migration = _open(path)
    found = migration.status()
    if as_json:
        write_json({**to_builtins(found), "history": [_step(s) for s in migration.history]})
        return
    capital = _capital(migration)
    lines = [f"Rollout {found.plan}: stage {found.stage}, since {found.since or 'ever'}"]
    shares = [(m, f"{share:.2%}", f"{capital[m]:,.2f}") for m, share in found.modes.items()]
    lines += ["  " + line for line in align(shares, "lrr")]
    lines += [f"Next: {found.next or 'nothing, this is the last stage'}"]
    if found.plan_changed:
        lines.append("The plan has changed: down to the first stage, then up again")
    write_lines([*lines, *_steps(migration)])


@group.command("check")
@plan_argument
@evidence_options
@click.option("--record", is_flag=True, help="On a breach go down at once, and record it.")
@json_option
def check(
    path: Path, run: Path, against: Path | None, baseline: Path | None, record: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Hold a run to the gates of the present stage; exit code 6 if one is not passed.

    Nothing is changed, but with --record a breach (a logic divergence, fills outside their band,
    figures outside theirs, code or configuration that was not validated) takes the rollout down.
    A live run that is under way is judged by its journal.
    """
    migration = _open(path)
    evidence = _evidence(migration, run, against, baseline)
    gates = migration.check(evidence, _current(migration.plan))
    step = migration.observe(evidence) if record else None
    passed = all(gate.passed for gate in gates)
    if as_json:
        _write_check(migration, evidence, gates, step)
    else:
        write_lines([*_gate_lines(gates), *([_moved(step)] if step else [])])
    failed = [gate.text for gate in gates if not gate.passed]
    return 0 if passed else diverged("gates that are not passed: " + "; ".join(failed))


@group.command("promote")
@plan_argument
@evidence_options
@operator_option
@reason_option
@json_option
def promote(
    path: Path, run: Path, against: Path | None, baseline: Path | None, operator: str,
    reason: str, as_json: bool,
) -> None:  # fmt: skip
    """Go one stage up, if RUN passes every gate of the present one.

    Configuration and code have to be those that the first stage has validated, in the run and
    now; refused otherwise, with exit code 4 and nothing changed.
    """
    migration = _open(path)
    evidence = _evidence(migration, run, against, baseline)
    step = migration.promote(
        evidence, operator=operator, reason=reason, current=_current(migration.plan)
    )
    _done(step, as_json)


@group.command("demote")
@plan_argument
@click.option("--to", default="", metavar="STAGE", help="[default: the stage before]")
@operator_option
@reason_option
@json_option
def demote(path: Path, to: str, operator: str, reason: str, as_json: bool) -> None:
    """Go down; nothing has to be shown for that."""
    _done(_open(path).demote(operator=operator, reason=reason, to=to), as_json)


def _open(path: Path) -> ProductionMigration:
    from admf_fast.rollout import ProductionMigration, load_plan

    return ProductionMigration(load_plan(path))


def _evidence(
    migration: ProductionMigration, run: Path, against: Path | None, baseline: Path | None
) -> Evidence:
    from admf_fast.monitor import load_baseline
    from admf_fast.rollout import evidence_of_journal, evidence_of_runs
    from admf_fast.rollout.shadowed import has_journal

    if has_journal(run) and not (run / "manifest.json").exists():
        return evidence_of_journal(run, after_ns=migration.shown_ns)
    if against is None:
        if migration.stage.mode != "backtest":
            raise ConfigError(
                f"--against: expected a run of the model on the same bars, in the stage "
                f"{migration.stage.name}; found none; admf backtest CONFIG --out DIR makes it"
            )
        against = run
    found = load_baseline(baseline) if baseline else None
    return evidence_of_runs(run, against, after_ns=migration.shown_ns, baseline=found)


def _current(plan: Plan) -> Digests:
    """Return the digests of what would run now: the plan's configuration, this code."""
    from admf_fast.config import config_digest, load_config
    from admf_fast.rollout import Digests

    config = load_config(str(plan.config_path))
    if config.instruments:
        from admf_fast.panel_jobs import panel_code_digest
        from admf_fast.runners.panel_setup import prepare_panel

        code = panel_code_digest(prepare_panel(config))
    else:
        from admf_fast.jobs import code_digest_of
        from admf_fast.runners.setup import prepare

        code = code_digest_of(prepare(config))
    return Digests(config=config_digest(config), code=code)


def _capital(migration: ProductionMigration) -> dict[str, float]:
    """Return the capital of each mode, in whole cents that add up."""
    from admf_fast.config import load_config
    from admf_fast.rollout import split_capital

    plan = migration.plan
    total = plan.content.capital or load_config(str(plan.config_path)).account.cash
    made = split_capital(total, migration.stage.weights)
    return {mode: made.get(mode, 0) / 100.0 for mode in ("backtest", "paper", "live")}


def _write_check(
    migration: ProductionMigration, evidence: Evidence, gates: list[Gate], step: Step | None
) -> None:
    from msgspec import to_builtins

    write_json(
        {
            "stage": migration.stage.name,
            "passed": all(gate.passed for gate in gates),
            "gates": [to_builtins(gate) for gate in gates],
            "evidence": {"id": evidence.id, **to_builtins(evidence)},
            "step": _step(step) if step else None,
        }
    )


def _done(step: Step, as_json: bool) -> None:
    if as_json:
        write_json({"step": _step(step)})
    else:
        write_lines([_moved(step)])


def _step(step: Step) -> dict[str, Any]:
    from msgspec import to_builtins

    made: dict[str, Any] = to_builtins(step)
    return made


def _moved(step: Step) -> str:
    return f"{step.action}: {step.before} -> {step.stage} ({step.mode} {step.percent:g} %)"


def _gate_lines(gates: list[Gate]) -> list[str]:
    from admf_fast.report import align

    rows = [("", "gate", "expected", "found")]
    for gate in gates:
        word = "passed" if gate.passed else ("BREACH" if gate.breach else "not yet")
        rows.append((word, gate.name, gate.expected, gate.found))
    return align(rows)


def _steps(migration: ProductionMigration) -> list[str]:
    from admf_fast.report import align

    rows = [("", "at", "step", "to", "operator", "reason")]
    rows += [
        (str(s.sequence), s.at, s.action, s.stage, s.operator, s.reason) for s in migration.history
    ]
    return ["", *align(rows, "r")] if migration.history else []
