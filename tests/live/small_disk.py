"""A run on a disk that fills, then has room again, then can only be read; a script of its own.

``unshare -Urm python -m tests.live.small_disk FOLDER`` mounts the small disk where nobody else
sees it, and prints what happened as JSON.
"""

import json
import subprocess
import sys
from pathlib import Path

from admf_fast.journal.messages import BarInput, Command
from admf_fast.journal.reading import read_journal
from tests.live.followed import COMMAND, FOLLOWED, PATIENCE_S, Followed, environment_of

# Every bar is synced, and so takes a page at least: two segments are soon full.
SYNCED = FOLLOWED.replace("status_ms: 50", "status_ms: 50, sync_ms: 0")
SMALL, LARGE = "11m", "64m"
BARS = 3000


def mount(disk: Path, *options: str) -> None:
    """Mount, or mount again."""
    target = ["tmpfs", str(disk)]
    subprocess.run(["mount", "-t", "tmpfs", "-o", ",".join(options), *target], check=True)


def ended(run: Followed) -> dict[str, object]:
    """Wait until a process has ended; return its exit code, its words, and its journal."""
    _, err = run.process.communicate(timeout=PATIENCE_S)
    messages = [m for _, m in read_journal(str(run.folder / "journal"))]
    return {
        "code": run.process.returncode, "err": err,
        "bars": [m.ts_ns for m in messages if isinstance(m, BarInput)],
        "commands": [(m.action, m.origin) for m in messages if isinstance(m, Command)],
    }  # fmt: skip


def main(folder: Path) -> None:
    """Fill the disk, free it, and take its writing away."""
    disk = folder / "disk"
    disk.mkdir()
    mount(disk, f"size={SMALL}")

    def start() -> Followed:
        return Followed(folder, environment_of(), disk=disk, text=SYNCED, quiet=True)

    run = start()
    run.write(0, BARS)
    full = ended(run)
    mount(disk, "remount", f"size={LARGE}")
    run = start()
    run.wait_for(bars=BARS, state="frozen", starts=2)
    control = [*COMMAND, "control", str(run.folder), "resume", "--reason", "room again"]
    subprocess.run(control, check=True, env=environment_of(), capture_output=True)
    run.write(BARS, BARS + 10)
    run.wait_for(bars=BARS + 10, state="armed")
    run.process.terminate()
    freed = ended(run)
    mount(disk, "remount", "ro")
    locked = ended(start())
    print(json.dumps({"full": full, "freed": freed, "locked": locked}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
