"""`admf simulate`: live runs in made-up worlds full of faults, each replayable from its seed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from admf_fast.cli.output import json_option, write, write_json

if TYPE_CHECKING:
    from admf_fast.simulator.plan import Plan
    from admf_fast.simulator.simulate import Result

HAPPENINGS_PER_BAR = 8  # about as many as a bar of a world brings


def _seeds(_: click.Context, __: click.Parameter, text: str | None) -> range | None:
    if text is None:
        return None
    first, dots, last = text.partition("..")
    if not (dots and first.isdigit() and last.isdigit() and int(first) <= int(last)):
        raise click.BadParameter(f"expected A..B, two whole numbers in order, found {text!r}")
    return range(int(first), int(last) + 1)


@click.command("simulate")
@click.option("--seed", type=click.IntRange(0), help="One world.")
@click.option("--seeds", metavar="A..B", callback=_seeds, help="Worlds A to B, B included.")
@click.option(
    "--events", type=click.IntRange(80), default=480, show_default=True,
    help="About how much happens in each: eight for every bar.",
)  # fmt: skip
@click.option(
    "--venue/--paper", default=None, help="Only worlds with, or without, a venue; else both."
)
@click.option(
    "--kill-everywhere", is_flag=True,
    help="Instead of faults, kill the process once at every call it makes; each of these runs "
    "must end as the undisturbed one.",
)  # fmt: skip
@json_option
def command(
    seed: int | None, seeds: range | None, events: int, venue: bool | None,
    kill_everywhere: bool, as_json: bool,
) -> None:  # fmt: skip
    """Run live processes in made-up worlds: bad feeds, clocks, disks and venues, and kills.

    Everything is the real thing but what is around it: the guard of the feed, the strategy,
    the journal, recovery and the gateway. One seed is one world, in virtual time and one
    thread, so a failure is repeated by its seed alone. Exit code 6 if any world fails.
    """
    from admf_fast.simulator.plan import plan_of

    if seed is not None and seeds is not None:
        raise click.UsageError("--seed, --seeds: expected one of them, found both")
    chosen = seeds or range(seed or 0, (seed or 0) + 1)
    bars = max(events // HAPPENINGS_PER_BAR, 10)
    plans = [plan_of(number, bars, venue=venue) for number in chosen]
    _report(plans, kill_everywhere=kill_everywhere, as_json=as_json)


def _report(plans: list[Plan], *, kill_everywhere: bool, as_json: bool) -> None:
    import time

    from admf_fast.errors import DivergenceError
    from admf_fast.simulator.simulate import killed_everywhere, shrink, simulate

    started, results = time.process_time(), []
    for plan in plans:
        results += [*killed_everywhere(plan)] if kill_everywhere else [simulate(plan)]
    seconds = time.process_time() - started
    failed = [result for result in results if result.failures]
    if failed and not kill_everywhere:
        failed = [shrink(failed[0]), *failed[1:]]
    figures = _figures(results, seconds)
    if as_json:
        write_json({**figures, "failures": [_told(result) for result in failed]})
    else:
        _write(results, failed, figures)
    if failed:
        raise DivergenceError(
            f"{len(failed)} of {len(results)} worlds failed; repeat the first by "
            f"admf simulate --seed {failed[0].plan.seed}, with the same other options"
        )


def _figures(results: list[Result], seconds: float) -> dict[str, Any]:
    happenings = sum(result.happenings for result in results)
    faults: dict[str, int] = {}
    for result in results:
        for name, count in result.faults.items():
            faults[name] = faults.get(name, 0) + count
    return {
        "worlds": len(results),
        "events": happenings,
        "bars": sum(result.bars for result in results),
        "fills": sum(result.fills for result in results),
        "starts": sum(result.lives for result in results),
        "faults": dict(sorted(faults.items())),
        "cpu_seconds": round(seconds, 3),
        "events_per_second": round(happenings / seconds) if seconds else None,
        "digests": {str(r.plan.seed): r.digest for r in results if r.plan.kill_at < 0},
    }


def _told(result: Result) -> dict[str, Any]:
    plan = result.plan
    return {
        "seed": plan.seed,
        "killed_at": plan.kill_at if plan.kill_at >= 0 else None,
        "faults_needed": sorted(plan.rates),
        "failures": result.failures,
    }


def _write(results: list[Result], failed: list[Result], figures: dict[str, Any]) -> None:
    for result in failed:
        told = _told(result)
        write(
            f"seed {told['seed']} failed, with {', '.join(told['faults_needed']) or 'no faults'}:"
        )
        for text in result.failures:
            write(f"  {text}")
    worlds = "1 world" if len(results) == 1 else f"{len(results):,} worlds"
    write(
        f"{worlds}, {figures['events']:,} events, {figures['starts']:,} starts, "
        f"{figures['fills']:,} fills, {figures['cpu_seconds']:.1f} s of CPU time "
        f"({figures['events_per_second']:,} events a second): {len(failed)} failed"
    )
    faults = [f"{name} {count}" for name, count in figures["faults"].items()]
    if faults:
        write("faults besides those of the feed: " + ", ".join(faults))
    if len(results) == 1:
        write(f"digest {results[0].digest}")
