"""Orbital elements as files have them, for tests: Hypatia's constellation of Kuiper-630, and sets of one satellite."""

from __future__ import annotations

from collections.abc import Iterator

#: A set of Vanguard 1 from the verification cases of AIAA 2006-6753.
VANGUARD = (
    "1 00005U 58002B   00179.78495062  .00000023  00000-0  28098-4 0  4753",
    "2 00005  34.2682 348.7242 1859667 331.7664  19.3264 10.82419157413667",
)
#: The same, as OMM.
VANGUARD_OMM = {
    "OBJECT_NAME": "VANGUARD 1", "OBJECT_ID": "1958-002B", "EPOCH": "2000-06-27T18:50:19.733568",
    "MEAN_MOTION": "10.82419157", "ECCENTRICITY": ".1859667", "INCLINATION": "34.2682", "RA_OF_ASC_NODE": "348.7242",
    "ARG_OF_PERICENTER": "331.7664", "MEAN_ANOMALY": "19.3264", "EPHEMERIS_TYPE": "0", "CLASSIFICATION_TYPE": "U",
    "NORAD_CAT_ID": "5", "ELEMENT_SET_NO": "475", "REV_AT_EPOCH": "41366", "BSTAR": ".28098E-4",
    "MEAN_MOTION_DOT": ".23E-6", "MEAN_MOTION_DDOT": "0",
}  # fmt: skip


def checked(line: str) -> str:
    """The first 68 characters of a line of a two-line set, and their checksum."""
    digits = sum(int(letter) if letter.isdigit() else letter == "-" for letter in line[:68])
    return f"{line[:68]}{digits % 10}"


def kuiper_630() -> str:
    """Two-line sets as Hypatia makes them: 34 planes of 34, 51.9°, 14.80 revolutions a day, epoch 2000-01-01."""
    return "".join(f"{line}\n" for line in _kuiper_630())


def _kuiper_630() -> Iterator[str]:
    yield "34 34"
    for number in range(34 * 34):
        plane, slot = divmod(number, 34)
        node, anomaly = plane * 360 / 34, slot * 360 / 34 + plane % 2 * 180 / 34
        yield f"Kuiper-630 {number}"
        yield checked(f"1 {number + 1:05d}U 00000ABC 00001.00000000  .00000000  00000-0  00000+0 0    0")
        yield checked(f"2 {number + 1:05d}  51.9000 {node:8.4f} 0000001   0.0000 {anomaly:8.4f} 14.80000000    0")
