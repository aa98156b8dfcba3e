"""What is looked at before a configuration goes into production."""

from admf_fast.checks.checking import CHECKS, check, check_bars
from admf_fast.checks.findings import Finding, Report

__all__ = ["CHECKS", "Finding", "Report", "check", "check_bars"]
