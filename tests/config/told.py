"""What the tests of errors share: small configurations and the errors they give."""

import pytest

from admf_fast.config import parse_config
from admf_fast.errors import ConfigError

HEAD = "strategy: {kernel: sma_cross}\n"
BARS = HEAD + "bars: {path: a.csv}\n"
TWO = """\
strategy: {kernel: sma_cross}
instruments:
  - symbol: AAPL
    bars: {path: a.parquet}
  - symbol: EURUSD
    bars: {path: b.parquet}
"""


def parse(text):
    return parse_config(text, name="x.yaml", format="yaml")


def errors_of(text):
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return str(caught.value).splitlines()


def error_of(text, head=BARS):
    """The one error of a text after the head, with its line counted from the text."""
    (message,) = errors_of(head + text)
    name, line, rest = message.split(":", 2)
    assert name == "x.yaml"
    return f"{int(line) - head.count(chr(10))}:{rest}"
