"""`admf kernels`: what is registered, and everything about one kernel."""

from __future__ import annotations

import sys
from typing import Any

import click

from admf_fast.cli.output import json_option, write_json, write_lines
from admf_fast.report import align, values


@click.group("kernels")
def group() -> None:
    """List the indicators and strategies, or show one of them."""


@group.command("list")
@json_option
def list_command(as_json: bool) -> None:
    """List the built-in kernels: strategies, then indicators."""
    from admf_fast.cli.kernel_facts import facts_of
    from admf_kernels import registry

    found = [facts_of(registry.get(name)) for name in registry.names()]
    found.sort(key=lambda facts: (facts["kind"] != "strategy", facts["name"]))
    if as_json:
        write_json({"kernels": found})
        return
    rows = [(f["name"], f["kind"], _signature(f), f["summary"]) for f in found]
    write_lines(align([("name", "kind", "parameters", "summary"), *rows]))


@group.command("show")
@click.argument("name")
@json_option
@click.option("--source", is_flag=True, help="Show the source of its generated driver as well.")
def show(name: str, as_json: bool, source: bool) -> None:
    """Show the kernel NAME: a built-in one, or module:name for one of your own.

    Modules are looked for in the current folder and on PYTHONPATH.
    """
    from admf_fast.cli.kernel_facts import driver_source, facts_of
    from admf_kernels import registry

    if ":" in name:
        sys.path.insert(0, "")
    kernel = registry.get(name)
    facts = facts_of(kernel)
    code = driver_source(kernel) if source else None
    if as_json:
        write_json({**facts, "driver_source": code} if source else facts)
        return
    write_lines(_lines(facts))
    if source:
        write_lines(["", "Driver:", code or "(none: an expression over other indicators)"])


def _signature(facts: dict[str, Any]) -> str:
    return ", ".join(f"{p['name']}={_value(p['default'])}" for p in facts["params"])


def _lines(facts: dict[str, Any]) -> list[str]:
    ready = facts["warmup_bars"]
    lines = [f"{facts['name']}: {facts['kind']}", "", *facts["doc"].splitlines(), ""]
    lines += _section("Parameters", [_parameter(p) for p in facts["params"]])
    lines += _section("Rules", [(rule,) for rule in facts["rules"]])
    lines += _section("Inputs", [(i["name"], i["reads"]) for i in facts["inputs"]])
    lines += _section("Outputs", [(output,) for output in facts["outputs"]])
    shown = values.NONE if ready is None else values.count(ready)
    return [*lines, f"Warm-up at the defaults: {shown} bars"]


def _section(title: str, rows: list[tuple[str, ...]]) -> list[str]:
    return [f"{title}:", *(f"  {line}" for line in align(rows)), ""] if rows else []


def _parameter(p: dict[str, Any]) -> tuple[str, ...]:
    limits = f"{_value(p['low'])} to {_value(p['high'])}" if p["low"] is not None else "any"
    default = "required" if p["default"] is None else f"default {_value(p['default'])}"
    return (p["name"], p["kind"], default, limits)


def _value(value: Any) -> str:
    if value is None:
        return values.NONE
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else repr(value)
