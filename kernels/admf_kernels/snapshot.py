"""A program's whole state as bytes: what a restart needs, and nothing else.

It belongs to the splits and dividends that have taken effect; later ones may be added.

Layout, little-endian: magic, format version, a digest of the plan the words belong to,
bars seen, last checksum, word count, history rows, column count, the state words, the
history rows of all columns, those of every longer timeframe, and the sha256 of everything
before it.
"""

import hashlib
import itertools
import struct
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from admf_kernels import drivers
from admf_kernels.errors import KernelError
from admf_kernels.feature_program import FeatureProgram
from admf_kernels.layout import fields_of
from admf_kernels.panel_program import PanelProgram

MAGIC = b"ADMFSTAT"
VERSION = 1
HEAD = struct.Struct("<8sI32sQqQQQ")
DIGEST_BYTES = 32
ANOTHER = (
    "the saved state belongs to other parameters, another account or other code; "
    "continue with the configuration and the version it was saved with"
)


def save(program: FeatureProgram) -> bytes:
    """Return the state of `program` after its last bar."""
    history = _history(program)
    words = program.state.astype("<i8")
    bars = (program.bars_seen, program.last_checksum)
    shape = (len(words), *history.T.shape)
    digest = plan_digest(program, _last_ns(history))
    head = HEAD.pack(MAGIC, VERSION, digest, *bars, *shape)
    body = head + words.tobytes() + history.tobytes()
    for child in program.children:
        child.cursor = int(child.next_row[0])
        body += _history(child).tobytes()
    return body + hashlib.sha256(body).digest()


def _history(program: FeatureProgram) -> NDArray[np.float64]:
    """Return the rows that lags may read, (columns, history)."""
    rows = program.columns[:, program.cursor - program.history : program.cursor]
    return np.ascontiguousarray(rows).astype("<f8")


def _last_ns(history: NDArray[np.float64]) -> int:
    """Return the time of the last bar of history rows; 0 where there is none."""
    return int(history[0, -1:].view("<i8")[0]) if history.shape[1] else 0


def restore(program: FeatureProgram, saved: bytes) -> None:
    """Put a fresh `program` into the saved state.

    Raises KernelError, with the program untouched, when the bytes are damaged or belong to
    another strategy, other parameters, another account or another version.
    """
    _write(program, _checked(program, saved))


def _checked(program: FeatureProgram, saved: bytes) -> bytes:
    """Return saved bytes without their digest, if they are of a program like this one."""
    body = _whole(saved, HEAD.size)
    magic, version, plan, _, _, count, history, columns = HEAD.unpack_from(body)
    if magic != MAGIC or version != VERSION:
        raise KernelError(f"expected saved state of version {VERSION}, found {version}")
    at = HEAD.size + 8 * count
    rows = np.frombuffer(body, "<f8", history * columns, at).reshape(columns, history)
    if plan != plan_digest(program, _last_ns(rows) if columns else 0):
        raise KernelError(ANOTHER)
    return body


def _whole(saved: bytes, least: int) -> bytes:
    """Return saved bytes without their digest; `least` is how many there are of a head."""
    body, digest = saved[:-DIGEST_BYTES], saved[-DIGEST_BYTES:]
    if len(saved) < least + DIGEST_BYTES or hashlib.sha256(body).digest() != digest:
        raise KernelError("the saved state is damaged; restore an older one")
    return body


def _write(program: FeatureProgram, body: bytes) -> None:
    """Put a program into a state that was checked."""
    *_, bars_seen, last, count, _, _ = HEAD.unpack_from(body)
    at = HEAD.size + 8 * count
    words = np.frombuffer(body, "<i8", count, HEAD.size)
    program.state[:] = words
    for each in (program, *program.children):
        shape = (each.plan.column_count, each.history)
        rows = np.frombuffer(body, "<f8", shape[0] * shape[1], at)
        each.cursor = each.history
        each.columns[:, : each.history] = rows.reshape(shape)
        at += rows.nbytes
    for child in program.children:
        child.next_row[0] = child.cursor
    program.bars_seen = bars_seen
    program.restored_checksum = last


# Digests of code take milliseconds, and are those of the program as long as it lives; so is
# what a digest of its plan begins with.
_codes: WeakKeyDictionary[FeatureProgram, str] = WeakKeyDictionary()
_begun: WeakKeyDictionary[FeatureProgram, Any] = WeakKeyDictionary()


def plan_digest(program: FeatureProgram, last_ns: int | None = None) -> bytes:
    """Return the sha256 of what gives the state words their meaning after a bar at a time."""
    if program not in _begun:
        _begun[program] = _layout_hash(program)
    hashed = _begun[program].copy()
    if program.actions is not None:
        hashed.update(program.actions.digest_until(last_ns).encode())
    hashed.update(_code_digest(program).encode())
    digest: bytes = hashed.digest()
    return digest


def _layout_hash(program: FeatureProgram) -> Any:
    """Return the hash, to be gone on with, of what lies where and what it is computed from."""
    hashed = hashlib.sha256()
    for part in program.parts:
        fields = [(f.name, f.kind) for f in fields_of(part.cls)]
        hashed.update(f"{part.label} {fields}\0".encode())
    others = [getattr(program, name, None) for name in ("sets", "tap")]
    hashed.update(f"{program.describe()} {others}\0".encode())
    return hashed


def _code_digest(program: FeatureProgram) -> str:
    if program not in _codes:
        made = [getattr(program, name, None) for name in ("strategy", "form", "terms")]
        indicators = program.plan.indicators
        _codes[program] = drivers.code_digest(made[0], indicators, form=made[1], made=made[2])
    return _codes[program]


def share_code(program: FeatureProgram, other: FeatureProgram) -> None:
    """Let another program of the same strategy, form and terms take over the digest of code."""
    _codes[other] = _code_digest(program)


PANEL_HEAD = struct.Struct("<8s32sQqQQ")
PANEL_MAGIC = b"ADMFPANL"


def save_panel(program: PanelProgram) -> bytes:
    """Return the state of a panel after its last moment."""
    words = np.concatenate([program.state, *(leg.trade for leg in program.legs)]).astype("<i8")
    seen = (program.moments_seen, program.last_checksum)
    plan = panel_digest(program)  # and those of its legs
    legs = [save(leg) for leg in program.legs]
    head = PANEL_HEAD.pack(PANEL_MAGIC, plan, *seen, len(words), len(legs))
    sizes = struct.pack(f"<{len(legs)}Q", *(len(leg) for leg in legs))
    body = head + sizes + words.tobytes() + b"".join(legs)
    return body + hashlib.sha256(body).digest()


def restore_panel(program: PanelProgram, saved: bytes) -> None:
    """Put a fresh panel into the saved state; raises KernelError as `restore` does."""
    body = _whole(saved, PANEL_HEAD.size)
    magic, plan, seen, last, count, legs = PANEL_HEAD.unpack_from(body)
    if magic != PANEL_MAGIC or plan != panel_digest(program):
        raise KernelError(ANOTHER)
    sizes = struct.unpack_from(f"<{legs}Q", body, PANEL_HEAD.size)
    at = PANEL_HEAD.size + 8 * legs
    words = np.frombuffer(body, "<i8", count, at)
    cuts = [*itertools.accumulate(sizes, initial=at + 8 * count)]
    pieces = [body[first:last] for first, last in itertools.pairwise(cuts)]
    # All before the first is written: each belongs to actions of its own.
    checked = [_checked(leg, piece) for leg, piece in zip(program.legs, pieces, strict=True)]
    program.state[:] = words[: len(program.state)]
    first = len(program.state)
    for leg, piece in zip(program.legs, checked, strict=True):
        leg.trade[:] = words[first : first + len(leg.trade)]
        first += len(leg.trade)
        _write(leg, piece)
    program.moments_seen = seen
    program.restored_checksum = last


def panel_digest(program: PanelProgram) -> bytes:
    """Return the sha256 of what gives the words of a panel their meaning.

    The actions of its legs that have taken effect are part of what is saved of each.
    """
    hashed = hashlib.sha256(f"{program.describe()}\0{program.source}".encode())
    code = _code_digest(program.legs[0])  # that of all: strategy, form and terms are alike
    for leg in program.legs:
        _codes.setdefault(leg, code)
        hashed.update(plan_digest(leg, 0))
    return hashed.digest()
