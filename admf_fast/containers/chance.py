"""Randomness that is state: a generator by counter, one stream a name, nothing global."""

import hashlib
from typing import NamedTuple, Protocol

import numpy as np

DRAWS_A_STEP = 4  # of Philox: one step of its counter gives as many
MANTISSA_BITS = 53


class RngState(NamedTuple):
    """All there is to a generator: whose it is, and how often it was asked."""

    seed: int
    stream: str
    draws: int


class Rng(Protocol):
    """Where chance comes from; its state is a value that can be kept and given back."""

    @property
    def state(self) -> RngState:
        """What continues the stream from here."""
        ...

    def bits(self) -> int:
        """Return the next 64 bits."""
        ...

    def uniform(self) -> float:
        """Return the next number in [0, 1)."""
        ...

    def below(self, count: int) -> int:
        """Return the next whole number in [0, count), each as likely as the others."""
        ...


class CounterRng:
    """Philox4x64-10 (Salmon et al. 2011), keyed by seed and stream.

    Its bits are numpy's bit generator's, whose streams are fixed; what is made of them is
    written out here, because that of numpy's distributions may change with a version.
    """

    def __init__(self, seed: int, stream: str, draws: int = 0) -> None:
        if draws < 0:
            raise ValueError(f"expected draws of 0 or more, found {draws}")
        self._seed, self._stream, self._draws = seed, stream, draws
        text = f"{seed}\0{stream}".encode()
        words = np.frombuffer(hashlib.blake2b(text, digest_size=16).digest(), "<u8")
        self._philox = np.random.Philox(key=words.astype(np.uint64))
        self._philox.advance(draws // DRAWS_A_STEP)
        for _ in range(draws % DRAWS_A_STEP):
            self._philox.random_raw()

    @classmethod
    def of(cls, state: RngState) -> "CounterRng":
        """Return the generator that a state belongs to."""
        return cls(*state)

    @property
    def state(self) -> RngState:
        """What continues the stream from here."""
        return RngState(self._seed, self._stream, self._draws)

    def bits(self) -> int:
        """Return the next 64 bits."""
        self._draws += 1
        return int(self._philox.random_raw())

    def uniform(self) -> float:
        """Return the next number in [0, 1), a multiple of 2^-53."""
        return (self.bits() >> (64 - MANTISSA_BITS)) * 2.0**-MANTISSA_BITS

    def below(self, count: int) -> int:
        """Return the next whole number in [0, count); may take more than one draw."""
        if not 0 < count <= 2**64:
            raise ValueError(f"expected a count of 1 to 2^64, found {count}")
        last = 2**64 - 2**64 % count
        while (drawn := self.bits()) >= last:
            pass
        return drawn % count
