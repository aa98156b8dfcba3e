"""Streaming trading kernels: indicators, strategies and execution, and what drives them.

Needs NumPy and Numba, nothing else.
"""

from admf_kernels.actions import Actions
from admf_kernels.clock import Clock
from admf_kernels.contract import Feature, Indicator, Output, Strategy, lag, on, window
from admf_kernels.errors import KernelError
from admf_kernels.execution.terms import Account, Entry, Exits, Instrument, Limits, Terms
from admf_kernels.execution.uses import make_terms
from admf_kernels.feature_program import FeatureProgram
from admf_kernels.numeric import at, exp, fma, is_finite, log, nan, select
from admf_kernels.parameters import Between, Rule
from admf_kernels.program import Program
from admf_kernels.registry import bundle, composite, get, indicator, names, strategy
from admf_kernels.stream import Stream, compute

__all__ = [
    "Account",
    "Actions",
    "Between",
    "Clock",
    "Entry",
    "Exits",
    "Feature",
    "FeatureProgram",
    "Indicator",
    "Instrument",
    "KernelError",
    "Limits",
    "Output",
    "Program",
    "Rule",
    "Strategy",
    "Stream",
    "Terms",
    "at",
    "bundle",
    "composite",
    "compute",
    "exp",
    "fma",
    "get",
    "indicator",
    "is_finite",
    "lag",
    "log",
    "make_terms",
    "names",
    "nan",
    "on",
    "select",
    "strategy",
    "window",
]
