"""The per-bar state checksum: a multilinear 64-bit hash over all state words.

Each word is multiplied by an odd 64-bit key and all products are added modulo 2**64. A
change of any single word always changes the sum, since an odd factor is invertible; the
sum has no order, so each driver adds its share.

A key is ``word key + slot key``: the word key depends on the word's place in the state of
its instance, the slot key (even, so that the sum stays odd) on the instance.
"""

import functools
import hashlib

MASK = (1 << 64) - 1


def signed(word: int) -> int:
    """Return the 64-bit pattern of `word` as a signed integer."""
    word &= MASK
    return word - (1 << 64) if word >> 63 else word


def _hash64(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


@functools.cache
def key_of(place: int) -> int:
    """Return the odd key of a word by its place in an instance's state, as a signed integer."""
    return signed(_hash64(f"word {place}") | 1)


@functools.cache
def slot_of(label: str) -> int:
    """Return the even key of one instance, as a signed integer."""
    return signed(_hash64(f"slot {label}") & ~1)
