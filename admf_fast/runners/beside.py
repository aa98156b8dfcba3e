"""A run made again beside another: of the text of its configuration and the bytes of its state.

Every shadow is made here, whatever drives it: validator, container or live core. No object
and no memory is shared, so that nothing the one does can reach the other.
"""

from dataclasses import replace

import msgspec

from admf_fast.config import Config, canonical, parse_config
from admf_fast.errors import StateError
from admf_fast.runners.live import LiveRunner
from admf_fast.runners.recorder import Sink
from admf_fast.runners.runner import Runner
from admf_fast.runners.setup import Setup, prepare
from admf_fast.runners.venue import with_venue


def config_again(config: Config) -> Config:
    """Return a configuration that was read anew, from its own canonical text."""
    text, base_dir = canonical(config).decode(), config.source.base_dir
    again = parse_config(text, name=config.name, format="yaml", base_dir=base_dir)
    return msgspec.structs.replace(again, name=config.name)


def setup_again(setup: Setup) -> Setup:
    """Return a set-up of a configuration that was read anew, for the same symbols and fills."""
    made = replace(prepare(config_again(setup.config)), symbols=setup.symbols)
    return with_venue(made) if setup.terms.uses.venue else made


def runner_beside(runner: Runner, *, sink: Sink | None = None) -> LiveRunner:
    """Return a runner that stands where another one stands, made of its configuration and bytes.

    Raises StateError if it does not stand there.
    """
    made = LiveRunner(setup_again(runner.setup), sink=sink)
    made.restore(runner.save())
    if made.state_checksum != runner.state_checksum:
        raise StateError(
            f"{runner.setup.config.name}: a shadow made of its configuration and state does not "
            "stand where the run stands; code or memory differ"
        )
    return made
