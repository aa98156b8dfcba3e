"""How records and segments lie in bytes; all numbers are little endian.

Segment: a header of 64 bytes, then records, each on a multiple of 8, then zeros.
Record: sequence u64, length u32, CRC-32 u32, chain 16 bytes, payload. The chain is the
BLAKE2b-128 of the chain before, sequence, length and payload, so that the last one stands for
all records up to it; the CRC covers the rest of the record and tells a record from noise when
the one before it is lost.
"""

from __future__ import annotations

import struct
from hashlib import blake2b
from typing import NamedTuple
from zlib import crc32

MAGIC = b"ADMFJRNL"
VERSION = 1
SEGMENT_HEADER_BYTES = 64
RECORD_HEADER_BYTES = 32
PAGE_BYTES = 4096  # what a disk may spoil at once; a synced page is never written again
CHAIN_BYTES = 16
GENESIS = bytes(CHAIN_BYTES)

_head = struct.Struct("<QI")
_record = struct.Struct("<QII16s")
_segment = struct.Struct("<8sIQQ16s")
_crc = struct.Struct("<I")


class SegmentHeader(NamedTuple):
    """What a segment says of itself; `chain` is that of the record before its first."""

    size: int
    first: int
    chain: bytes


def segment_header(header: SegmentHeader) -> bytes:
    """Return the first bytes of a segment."""
    content = _segment.pack(MAGIC, VERSION, *header)
    return (content + _crc.pack(crc32(content))).ljust(SEGMENT_HEADER_BYTES, b"\0")


def read_segment_header(content: bytes) -> SegmentHeader | None:
    """Return the header of a segment, None if it is damaged or of another version."""
    end = _segment.size
    if len(content) < SEGMENT_HEADER_BYTES:
        return None
    magic, version, size, first, chain = _segment.unpack_from(content)
    if (magic, version) != (MAGIC, VERSION) or _crc.unpack_from(content, end) != (
        crc32(content[:end]),
    ):
        return None
    return SegmentHeader(size, first, chain)


def foreign_version(content: bytes) -> int:
    """Return the version of a whole header that another program wrote, or 0."""
    end = _segment.size
    if len(content) < SEGMENT_HEADER_BYTES or content[: len(MAGIC)] != MAGIC:
        return 0
    whole = _crc.unpack_from(content, end) == (crc32(content[:end]),)
    version = int(_segment.unpack_from(content)[1])
    return version if whole and version != VERSION else 0


def frame(sequence: int, chain: bytes, payload: bytes) -> tuple[bytes, bytes]:
    """Return the bytes of the next record and the chain after it; `chain` is that before."""
    head = _head.pack(sequence, len(payload))
    after = blake2b(chain + head + payload, digest_size=CHAIN_BYTES).digest()
    crc = crc32(payload, crc32(head + after))
    return head + _crc.pack(crc) + after + payload, after


def after(offset: int, length: int) -> int:
    """Return where the record after one of `length` bytes of payload at `offset` starts."""
    return (offset + RECORD_HEADER_BYTES + length + 7) & ~7


def page_after(offset: int) -> int:
    """Return the first start of a page at or after `offset`."""
    return (offset + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1)


def unframe(content: bytes, offset: int, sequence: int, chain: bytes) -> tuple[bytes, bytes] | None:
    """Return payload and chain of the record at `offset`, None if it is not the next one."""
    start = offset + RECORD_HEADER_BYTES
    if start > len(content):
        return None
    found, length, crc, stored = _record.unpack_from(content, offset)
    if found != sequence or start + length > len(content):
        return None
    payload = content[start : start + length]
    head = content[offset : offset + _head.size]
    if crc32(payload, crc32(head + stored)) != crc:
        return None
    if blake2b(chain + head + payload, digest_size=CHAIN_BYTES).digest() != stored:
        return None
    return payload, stored


def next_whole(content: bytes, offset: int, above: int) -> int:
    """Return the sequence of the first whole record at or after `offset`, 0 if there is none.

    Only its CRC is checked: the chain to it is broken.
    """
    for place in range((offset + 7) & ~7, len(content) - RECORD_HEADER_BYTES + 1, 8):
        sequence, length, crc, stored = _record.unpack_from(content, place)
        start = place + RECORD_HEADER_BYTES
        if sequence > above and start + length <= len(content):
            head = content[place : place + _head.size]
            if crc32(content[start : start + length], crc32(head + stored)) == crc:
                return int(sequence)
    return 0
