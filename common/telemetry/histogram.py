"""Durations counted in log-linear buckets: a percentile of millions of packets from some hundred numbers.

Below 16 ns there is a bucket for each nanosecond, then 16 to each doubling, up to 2^37 ns (137 s); the last bucket also
takes what lies above. This is the layout of `histogram_bucket` in agent/native/shared/stats.h. The middle of a bucket
lies within 1/32 (3.2 %) of every value in it; count, minimum and maximum are exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

BUCKETS = 544
_SUB_BITS = 4
_SUB = 1 << _SUB_BITS


def bucket_of(ns: int) -> int:
    """The bucket that counts `ns` (negative counts as 0)."""
    if ns < _SUB:
        return max(0, ns)
    octave = ns.bit_length() - 1 - _SUB_BITS
    return min(BUCKETS - 1, (octave + 1) * _SUB + (ns >> octave) - _SUB)


def bucket_range(bucket: int) -> tuple[int, int]:
    """The least and the greatest nanoseconds that `bucket` counts (the last one has no greatest: as if it had)."""
    if bucket < _SUB:
        return bucket, bucket
    octave, step = divmod(bucket - _SUB, _SUB)
    low = (_SUB + step) << octave
    return low, low + (1 << octave) - 1


@dataclass(frozen=True, slots=True)
class Histogram:
    """How many durations, in nanoseconds, fell into which bucket. While `count` is 0, `min` and `max` mean nothing."""

    counts: Mapping[int, int] = field(default_factory=dict)  #: bucket → count; absent is 0
    min: int = 0
    max: int = 0
    count: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", sum(self.counts.values()))

    @classmethod
    def of(cls, durations_ns: Iterable[int]) -> Histogram:
        """The histogram of `durations_ns`."""
        counts: dict[int, int] = {}
        values = list(durations_ns)
        for value in values:
            bucket = bucket_of(value)
            counts[bucket] = counts.get(bucket, 0) + 1
        return cls(counts, min(values, default=0), max(values, default=0))

    def percentile(self, p: float) -> int:
        """The least duration that at least `p` percent (0 … 100) do not exceed, to within 3.2 %.

        :raises ValueError: the histogram is empty.
        """
        if not self.count:
            raise ValueError("an empty histogram has no percentiles")
        rank = max(1, -(-self.count * p // 100))
        seen = 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= rank:
                return self._middle(bucket)
        return self.max

    def total_above(self, ns: int) -> int:
        """How long all durations of more than `ns` were together, to within 3.2 % and the bucket that `ns` is in."""
        middles = ((self._middle(bucket), count) for bucket, count in self.counts.items())
        return sum(middle * count for middle, count in middles if middle > ns)

    def count_above(self, ns: int) -> int:
        """How many durations were more than `ns`, to within the bucket that `ns` is in, as `percentile` sees them."""
        return sum(count for bucket, count in self.counts.items() if self._middle(bucket) > ns)

    def minus(self, earlier: Histogram) -> Histogram:
        """What was counted since `earlier`, a former state of this histogram.

        Its minimum and maximum are exact if they are new extremes, else to within a bucket.
        """
        since = ((bucket, count - earlier.counts.get(bucket, 0)) for bucket, count in self.counts.items())
        counts = {bucket: count for bucket, count in since if count}
        if not counts:
            return Histogram()
        had_any = earlier.count > 0
        low = self.min if not had_any or self.min < earlier.min else self._middle(min(counts))
        high = self.max if not had_any or self.max > earlier.max else self._middle(max(counts))
        return Histogram(counts, low, high)

    def plus(self, other: Histogram) -> Histogram:
        """Both together."""
        if not self.count or not other.count:
            return self if self.count else other
        buckets = self.counts.keys() | other.counts.keys()
        counts = {bucket: self.counts.get(bucket, 0) + other.counts.get(bucket, 0) for bucket in buckets}
        return Histogram(counts, min(self.min, other.min), max(self.max, other.max))

    def _middle(self, bucket: int) -> int:
        low, high = bucket_range(bucket)
        return max(self.min, min(self.max, (low + high) // 2))
