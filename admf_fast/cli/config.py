"""`admf config`: a configuration with everything filled in, and its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from admf_fast.cli.output import json_option, write, write_json

if TYPE_CHECKING:
    from admf_fast.config import Config


@click.group("config")
def group() -> None:
    """Show a configuration with everything filled in, or the schema for editors."""


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


def _resolved(config: Config) -> Config:
    from msgspec.structs import replace

    from admf_fast.runners.panel_setup import prepare_panel
    from admf_fast.runners.setup import prepare

    setup = prepare_panel(config) if config.instruments else prepare(config)
    params = setup.params._asdict()
    if config.strategy.forms != ["kernel"]:  # then all parameters are written already
        return config
    return replace(config, strategy=replace(config.strategy, params=params))
