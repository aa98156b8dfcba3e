"""A process that computes sets one at a time, each its own chunk, and says how far it is.

It is sent a job and chunks as JSON, and answers with a line when it is ready and after every
chunk. Whoever started it ends it when no line comes.
"""

import json
import sys

from admf_fast.errors import AdmfError
from admf_fast.sweep.remote import make_ready, run_chunk

READY, DONE = "ready", "done"


def main() -> int:
    """Compute what the standard input asks for; returns the exit code."""
    asked = json.loads(sys.stdin.readline())
    try:
        make_ready(asked["job"], asked["chunks"])
        print(READY, flush=True)
        for chunk, sets in asked["chunks"]:
            run_chunk(asked["job"], chunk, sets)
            print(DONE, flush=True)
    except AdmfError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
