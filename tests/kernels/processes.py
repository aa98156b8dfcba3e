"""Running a script in a new Python process that sees only what it is given."""

import os
import subprocess
import sys
from pathlib import Path

import admf_kernels

KERNELS = str(Path(admf_kernels.__file__).parents[1])


def start(script, *, cache, paths=()):
    """Start a Python process with its own cache folder; returns the process."""
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": os.pathsep.join([*(str(p) for p in paths), KERNELS]),
        "ADMF_CACHE_DIR": str(cache),
        "HOME": str(cache),
    }
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", script],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    """Return what a started process printed; fails with its error output."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out.strip()


def output_of(script, *, cache, paths=()):
    """Return what a script prints in a new process."""
    return finish(start(script, cache=cache, paths=paths))
