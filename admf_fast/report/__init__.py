"""What a person reads: figures with names and units, as plain text."""

from admf_fast.report import values
from admf_fast.report.clean import clean
from admf_fast.report.figures import summary_rows
from admf_fast.report.table import align

__all__ = ["align", "clean", "summary_rows", "values"]
