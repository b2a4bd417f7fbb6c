"""Reads from ptp4l's management answers how far this host's wall clock can be from its grandmaster.

PTP cannot see an asymmetric path, but no one-way delay is negative, so the offset it measures is wrong by at most the
mean path delay: error ≤ |offset| + mean path delay.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from plctl.common.clocks.wall_promise import ClockDiscipline, NoPromiseError

#: Only this host's ptp4l is asked (-b 0), over its own socket (-u).
PMC_COMMAND = (
    "pmc", "-u", "-b", "0",
    "GET TIME_STATUS_NP", "GET CURRENT_DATA_SET", "GET PORT_PROPERTIES_NP",
)  # fmt: skip


def parse_pmc(text: str) -> ClockDiscipline:
    """The promise in pmc's answers to `PMC_COMMAND`.

    Only software time stamps discipline the wall clock itself. With hardware ones ptp4l steers the network card's
    clock, and how well phc2sys copies that to the wall clock cannot be asked for.

    :raises NoPromiseError: not a slave of anyone, hardware time stamps, or an answer is missing or not understood.
    """
    answers = _answers(text)
    if answers.get("gmPresent") != "true" or answers.get("portState") != "SLAVE":
        raise NoPromiseError("PTP: ptp4l follows no grandmaster")
    if answers.get("timestamping") != "SOFTWARE":
        raise NoPromiseError("PTP: ptp4l steers the network card's clock, and phc2sys does not say how well it follows")
    try:
        offset, path = (abs(Decimal(answers[name])) for name in ("master_offset", "meanPathDelay"))
        return ClockDiscipline("PTP", f"PTP grandmaster {answers['gmIdentity']}", int(offset + path) + 1)
    except (KeyError, InvalidOperation, OverflowError, ValueError):
        raise NoPromiseError("PTP: pmc's answer is incomplete") from None


def _answers(text: str) -> dict[str, str]:
    """Name → value of all answers; of those that every port gives, the slave's."""
    blocks: list[dict[str, str]] = [{}]
    for words in map(str.split, text.splitlines()):
        if "RESPONSE" in words:
            blocks.append({})
        elif len(words) == 2:
            blocks[-1][words[0]] = words[1]
    slaves_last = sorted(blocks, key=lambda block: block.get("portState") == "SLAVE")
    return {name: value for block in slaves_last for name, value in block.items()}
