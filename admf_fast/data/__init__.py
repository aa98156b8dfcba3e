"""Bars in: files and Arrow objects, validated, as blocks of numpy columns."""

from admf_fast.data.block import BarBlock, concat_blocks
from admf_fast.data.digest import BarDigest
from admf_fast.data.info import describe
from admf_fast.data.panel import Panel, PanelBlock, PanelSource, concat_panels, merge_blocks
from admf_fast.data.report import DataReport, FileReport, Gap, GapReport
from admf_fast.data.source import BarSource, blocks_of_some, open_bars
from admf_fast.data.spec import BarSpec, format_ts, parse_timeframe
from admf_fast.data.synth import SynthSpec, synth_blocks, write_synth
from admf_kernels.timeframe import TIMEFRAMES

__all__ = [
    "TIMEFRAMES",
    "BarBlock",
    "BarDigest",
    "BarSource",
    "BarSpec",
    "DataReport",
    "FileReport",
    "Gap",
    "GapReport",
    "Panel",
    "PanelBlock",
    "PanelSource",
    "SynthSpec",
    "blocks_of_some",
    "concat_blocks",
    "concat_panels",
    "describe",
    "format_ts",
    "merge_blocks",
    "open_bars",
    "parse_timeframe",
    "synth_blocks",
    "write_synth",
]
