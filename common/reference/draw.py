"""Philox-4x32-10 in plain Python, from Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC'11."""

from __future__ import annotations

_WORD = 2**32
Words = tuple[int, int, int, int]


def philox(counter: Words, key: tuple[int, int]) -> Words:
    """Ten rounds on `counter`; the key grows by a constant from each to the next."""
    for i in range(10):
        left, right = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        keys = ((key[0] + i * 0x9E3779B9) % _WORD, (key[1] + i * 0xBB67AE85) % _WORD)
        counter = (
            right // _WORD ^ counter[1] ^ keys[0], right % _WORD,
            left // _WORD ^ counter[3] ^ keys[1], left % _WORD,
        )  # fmt: skip
    return counter


def draw(key: int, purpose: int, n: int) -> Words:
    """Four numbers below 2³² for the nth frame and a purpose; `key` may be negative, as 64 bits with a sign."""
    return philox((n % _WORD, n // _WORD, purpose, 0), (key % _WORD, key // _WORD % _WORD))
