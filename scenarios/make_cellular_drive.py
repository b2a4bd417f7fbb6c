"""Makes cellular-drive.csv: four minutes in a car past base stations, with handovers and a tunnel.

    python3 scenarios/make_cellular_drive.py > scenarios/cellular-drive.csv

A sketch, not a measurement, but one whose figures have reasons. The car follows a straight road at changing speed past
base stations some 700 m apart. Received power falls with the 3.5th power of distance, plus shadowing that decorrelates
over 50 m. The phone hands over to a station that is 3 dB stronger: a new RouteID, and an interruption of
60–160 ms. The rate follows from the signal-to-noise ratio by Shannon's formula at 60 % efficiency on a shared 10 MHz
carrier, and of course the phone sends with less power than a station. A weak signal also costs delay, by
retransmissions. The same seed gives the same file.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

SEED = 20
STEP_MS = 500
DURATION_MS = 240_000
TUNNEL_MS = (150_000, 156_000)
STATIONS_M = [(x, random.Random(x).uniform(40, 160)) for x in range(0, 6000, 700)]  # along the road, beside it
HYSTERESIS_DB = 3
BANDWIDTH_HZ = 10e6
EFFICIENCY = 0.6
UPLINK_DB = -9  # how much weaker the phone is heard than it hears
TUNNEL_DB = -27


class Drive:
    """The car, its surroundings and its serving station, advanced in steps of `STEP_MS`."""

    def __init__(self) -> None:
        self.random = random.Random(SEED)
        self.position_m = 100.0
        self.speed_ms = 12.0
        self.shadow_db = [self.random.gauss(0, 5) for _ in STATIONS_M]
        self.share = 0.6  # of the cell's capacity; the rest is other people's
        self.serving = 0

    def advance(self) -> None:
        """Half a second later."""
        rng = self.random
        self.speed_ms = min(22.0, max(0.0, self.speed_ms + rng.gauss(0.1, 0.8)))
        moved_m = self.speed_ms * STEP_MS / 1000
        self.position_m += moved_m
        keep = math.exp(-moved_m / 50)
        self.shadow_db = [keep * db + math.sqrt(1 - keep * keep) * rng.gauss(0, 5) for db in self.shadow_db]
        self.share = min(0.95, max(0.25, self.share + rng.gauss(0, 0.04)))

    def snr_db(self, station: int) -> float:
        """Signal-to-noise ratio of what the phone hears from `station`."""
        along, beside = STATIONS_M[station]
        distance = math.hypot(along - self.position_m, beside)
        return 22 - 35 * math.log10(distance / 100) + self.shadow_db[station]

    def hand_over(self) -> bool:
        """Change to the best station if it is clearly better; whether it happened."""
        best = max(range(len(STATIONS_M)), key=self.snr_db)
        if self.snr_db(best) < self.snr_db(self.serving) + HYSTERESIS_DB:
            return False
        self.serving = best
        return True


def rate_mbps(snr_db: float, share: float) -> float:
    """What one phone gets of the carrier at this signal-to-noise ratio, capped as by 64-QAM."""
    bits_per_hz = min(5.5, EFFICIENCY * math.log2(1 + 10 ** (snr_db / 10)))
    return BANDWIDTH_HZ * bits_per_hz * share / 1e6


def delay_ms(snr_db: float, base_ms: float) -> float:
    """One-way delay: the network's own, and a retransmission of 8 ms the likelier the weaker the signal."""
    return base_ms + 24 / (1 + math.exp((snr_db - 4) / 3))


def rows() -> Iterator[str]:
    """The lines of the table."""
    yield "# Made by make_cellular_drive.py: a drive past base stations, a tunnel from 150 s to 156 s."
    yield "Time[ms],RouteID,Delay[ms]:up,Delay[ms]:down,Btldr[Mbps]:up,Btldr[Mbps]:down"
    drive = Drive()
    route = 0
    for t_ms in range(0, DURATION_MS + 1, STEP_MS):
        handed_over = drive.hand_over()
        snr_db = drive.snr_db(drive.serving) + (TUNNEL_DB if TUNNEL_MS[0] <= t_ms < TUNNEL_MS[1] else 0)
        up, down = delay_ms(snr_db + UPLINK_DB, 26), delay_ms(snr_db, 19)
        start_ms = t_ms
        if handed_over and t_ms:
            route += 1
            yield f"{t_ms},{route},{up:.1f},{down:.1f},0,0"
            start_ms += drive.random.randrange(60, 161)
        up_mbps, down_mbps = rate_mbps(snr_db + UPLINK_DB, drive.share), rate_mbps(snr_db, drive.share)
        yield f"{start_ms},{route},{up:.1f},{down:.1f},{up_mbps:.2f},{down_mbps:.2f}"
        drive.advance()


if __name__ == "__main__":
    print("\n".join(rows()))
