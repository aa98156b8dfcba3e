"""`admf config`: a configuration with everything filled in, its digest, changes and schema."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from admf_fast.cli.output import json_option, write, write_json, write_lines
from admf_fast.report import align

if TYPE_CHECKING:
    from admf_fast.config import Config


@click.group("config")
def group() -> None:
    """Show a configuration, its digest, what differs from another, or the schema for editors."""


@group.command("show")
@click.argument("path", metavar="CONFIG")
@json_option
def show(path: str, as_json: bool) -> None:
    """Show CONFIG with every default filled in, those of its kernel included.

    The digest (--json) is that of the configuration as written: runs are named by it.
    """
    from admf_fast.config import config_digest, contents, load_config, to_yaml

    config = load_config(path)
    resolved = _resolved(config)
    if as_json:
        write_json({"config": contents(resolved), "digest": config_digest(config)})
    else:
        write(to_yaml(resolved).rstrip("\n"))


@group.command("schema")
@json_option
def schema(as_json: bool) -> None:
    """Print the JSON Schema of a configuration file; with --json or without."""
    del as_json
    from admf_fast.config import json_schema

    write_json(json_schema())


@group.command("hash")
@click.argument("path", metavar="CONFIG")
@json_option
def hash_(path: str, as_json: bool) -> None:
    """Print the digest of CONFIG: the SHA-256 of what it means, as runs carry it.

    Comments, the order of keys, and sections that only say how a process is operated are no
    part of it.
    """
    from admf_fast.config import config_digest, load_config

    config = load_config(path)
    digest = config_digest(config)
    if as_json:
        write_json({"name": config.name, "digest": digest})
    else:
        write(digest)


@group.command("diff")
@click.argument("old", metavar="A")
@click.argument("new", metavar="B")
@json_option
def diff(old: str, new: str, as_json: bool) -> None:
    """Show the keys whose meaning differs between A and B, and what each changes of a run.

    \b
    decisions  signals, orders, fills or the bars they come from may differ
    figures    only what the run is called or measured by
    operation  only how a process is operated: not part of the digest

    Every default counts as written, those of the kernel included. The exit code is 0 whether
    anything differs or not.
    """
    from admf_fast.config import MISSING, changes, config_digest, load_config

    configs = [load_config(path) for path in (old, new)]
    found = changes(_resolved(configs[0]), _resolved(configs[1]))
    digests = [config_digest(config) for config in configs]
    decides = any(change.touches == "decisions" for change in found)
    if as_json:
        rows = [{k: v for k, v in c._asdict().items() if v is not MISSING} for c in found]
        write_json({"digests": digests, "changes": rows, "changes_decisions": decides})
        return
    if found:
        shown = [[repr(v) if v is MISSING else json.dumps(v) for v in c[1:3]] for c in found]
        table = [[c.key, *values, c.touches] for c, values in zip(found, shown, strict=True)]
        write_lines(align([["key", "A", "B", "changes"], *table]))
        write("")
    write(_verdict(len(found), decides, digests))


def _verdict(count: int, decides: bool, digests: list[str]) -> str:
    short = [digest[:12] for digest in digests]
    if not count:
        same = short[0] == short[1]
        return f"Same meaning; digest {short[0]}" + (
            "" if same else f" and, as written, {short[1]}"
        )
    differ, they = ("key differs", "it") if count == 1 else ("keys differ", "they")
    what = f"{they} may change" if decides else f"{they} cannot change"
    return f"{count} {differ}: {what} what the run decides; digests {short[0]} and {short[1]}"


def _resolved(config: Config) -> Config:
    from msgspec.structs import replace

    from admf_fast.runners.panel_setup import prepare_panel
    from admf_fast.runners.setup import prepare

    setup = prepare_panel(config) if config.instruments else prepare(config)
    params = setup.params._asdict()
    if config.strategy.forms != ["kernel"]:  # then all parameters are written already
        return config
    return replace(config, strategy=replace(config.strategy, params=params))
