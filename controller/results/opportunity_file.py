"""The delivery opportunities of a schedule as a file: an instant in each line, which takes a byte or two there."""

from __future__ import annotations

from pathlib import Path

from plctl.common.base import leb128
from plctl.common.scenario.opportunities import Opportunities

#: Column → its meaning.
COLUMNS = {"time_ns": "The instant, since T0 or since the begin of a later period; several may come at once."}
#: What the file says of all of them: the period (ns), the bytes that each is worth, the unit of all gaps (ns).
_FACTS = (b"period_ns", b"worth_bytes", b"unit_ns")
_ROWS = 2**20


def write_opportunities(path: Path, trace: Opportunities) -> None:
    """Write `trace` to `path`, a piece at a time.

    :raises OSError: it cannot be written.
    """
    import numpy as np  # noqa: PLC0415  # half a second that a listing of runs does not wait for
    import pyarrow as pa  # noqa: PLC0415  # as above
    from pyarrow import parquet  # noqa: PLC0415  # as above

    facts = zip(_FACTS, (trace.period_ns, trace.worth_bytes, trace.unit_ns), strict=True)
    schema = pa.schema([(name, pa.int64()) for name in COLUMNS], {name: str(value) for name, value in facts})
    delta = dict.fromkeys(COLUMNS, "DELTA_BINARY_PACKED")
    draft, last = path.with_suffix(".tmp"), 0
    with parquet.ParquetWriter(draft, schema, compression="zstd", use_dictionary=False, column_encoding=delta) as file:
        for piece in leb128.decode(trace.gaps):
            instants = last + np.frombuffer(piece, np.int64).cumsum()
            last = int(instants[-1])
            file.write_batch(pa.record_batch([instants * trace.unit_ns], schema=schema))
    draft.replace(path)


def read_opportunities(path: Path) -> Opportunities:
    """The trace in the file `path`, a piece of which is in memory at a time.

    :raises OSError: there is none, or it cannot be read.
    :raises ValueError: it is none.
    :raises KeyError: it does not say its period.
    """
    import numpy as np  # noqa: PLC0415  # as above
    from pyarrow import parquet  # noqa: PLC0415  # as above

    with parquet.ParquetFile(path) as file:
        period_ns, worth_bytes, unit_ns = (int((file.schema_arrow.metadata or {})[name]) for name in _FACTS)
        gaps, last = [], 0
        for batch in file.iter_batches(_ROWS):
            instants = batch.column("time_ns").to_numpy() // unit_ns
            steps = np.diff(instants, prepend=last)
            small = steps.min() >= 0 and steps.max() < leb128.ONE_BYTE  # then each is its own byte
            gaps.append(steps.astype(np.uint8).tobytes() if small else leb128.encode(steps.tolist()))
            last = int(instants[-1])
    return Opportunities(b"".join(gaps), unit_ns, period_ns, worth_bytes)
