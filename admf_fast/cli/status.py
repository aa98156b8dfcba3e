"""`admf status` and `admf control`: look at a live run, and stop its trading."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from admf_fast.cli.output import json_option, write_json, write_lines
from admf_fast.report import align
from admf_fast.report.values import count

if TYPE_CHECKING:
    from admf_fast.live.status import Status

STALE_S = 10.0  # a heartbeat older than this, and a process that ought to be there, is not well
WAIT_S = 5.0
LOOK_S = 0.05


@click.command("status")
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@json_option
def status_command(folder: Path, as_json: bool) -> int:
    """Show how the live run in the folder RUN is doing, by its last heartbeat.

    Exit code 0 while its process runs and its heartbeat is younger than 10 s, and when it was
    stopped or its feed has ended; 4 when the process is gone or silent, 6 when the run is sealed
    as diverged.
    """
    from admf_fast.live.status import read_status

    status = read_status(folder / "status.json")
    facts = _facts(folder, status)
    if as_json:
        write_json(facts)
    else:
        write_lines(align([(name, _text(value)) for name, value in facts.items()], "ll"))
    return _code(status, facts)


def _facts(folder: Path, status: Status) -> dict[str, Any]:
    import msgspec

    from admf_fast.data.spec import format_ts
    from admf_fast.live.status import is_running

    facts = msgspec.to_builtins(status)
    for name in ("started_ns", "heartbeat_ns", "last_bar_ns"):
        facts[name.removesuffix("_ns")] = format_ts(facts.pop(name))
    age_s = (time.time_ns() - status.heartbeat_ns) / 1e9
    return {**facts, "running": is_running(folder), "heartbeat_age_s": round(age_s, 1)}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count(n)}" for name, n in value.items()) or "-"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value != "" else "-"


def _code(status: Status, facts: dict[str, Any]) -> int:
    from admf_fast.errors import DivergenceError, StateError

    if status.state == "diverged":
        return DivergenceError.exit_code
    if status.state in ("ended", "stopped"):
        return 0
    well = facts["running"] and facts["heartbeat_age_s"] <= STALE_S
    return 0 if well else StateError.exit_code


@click.command("control")
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("action", type=click.Choice(("freeze", "flatten", "resume", "stop")))
@click.option("--reason", required=True, metavar="TEXT", help="Journaled with the command.")
@click.option(
    "--wait", "wait_s", type=click.FloatRange(0.0), default=WAIT_S, show_default=True,
    metavar="SECONDS", help="How long to wait for the process to take it.",
)  # fmt: skip
@json_option
def control_command(folder: Path, action: str, reason: str, wait_s: float, as_json: bool) -> int:
    """Tell the live run in the folder RUN what to do.

    \b
    freeze   no new entries; exits go on
    flatten  the same, and close everything
    resume   take both back
    stop     end the process in order; positions stay

    The command waits in the folder until the process takes it, so it counts even when the
    process hangs or is down: it is then the first thing that the next start does. Exit code 4
    if it was not taken within the time to wait.
    """
    from typing import cast

    from admf_fast.errors import StateError
    from admf_fast.live.control import Action, Request, ask
    from admf_fast.live.folder import RunFolder
    from admf_fast.live.status import read_status

    places = RunFolder(folder)
    read_status(places.status)
    request = Request(action=cast(Action, action), reason=reason, ts_ns=time.time_ns())
    left = ask(places.control, request)
    taken = _is_taken(left, wait_s)
    if as_json:
        write_json({"action": action, "taken": taken, "folder": str(folder)})
    else:
        told = "taken" if taken else f"not taken within {wait_s:g} s; it waits in {left}"
        write_lines([f"{action}: {told}"])
    return 0 if taken else StateError.exit_code


def _is_taken(left: Path, wait_s: float) -> bool:
    deadline_s = time.monotonic() + wait_s
    while left.exists():
        if time.monotonic() >= deadline_s:
            return False
        time.sleep(LOOK_S)
    return True
