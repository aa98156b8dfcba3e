"""A warning when compiled kernels cannot be kept."""

from __future__ import annotations

from admf_fast.cli.output import note


def warn_without_cache() -> None:
    """Say on standard error that every run compiles anew, if that is so, and what to do."""
    from admf_kernels.compiler import cache

    if cache.folder() is None:
        note(
            "admf: warning: there is no cache folder that only you can write to, so every run "
            f"compiles anew; make it yours (chmod 700), or name another in {cache.VARIABLE}"
        )
