"""A client with a valid key that asks for the list of runs as fast as it is let, and never reads an answer.

python -P slow_reader.py ADDRESS KEYS
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import zmq

from plctl.common.protocol import messages as m
from plctl.common.protocol import requests as rq
from plctl.common.security.keys import load_controller_public, load_pair

_REQUESTS_S = 200


def main() -> None:
    """Until it is killed."""
    address, keys = sys.argv[1], Path(sys.argv[2])
    pair = load_pair(keys, "operator")
    dealer = zmq.Context().socket(zmq.DEALER)
    dealer.setsockopt(zmq.RCVHWM, 1)
    dealer.setsockopt(zmq.RCVBUF, 4096)
    dealer.curve_serverkey = load_controller_public(keys).encode()
    dealer.curve_publickey, dealer.curve_secretkey = pair.public.encode(), pair.secret.encode()
    dealer.connect(address)
    number = 0
    while True:
        number += 1
        dealer.send(m.encode(m.Envelope(rq.ListRuns(), id=number)))
        time.sleep(1 / _REQUESTS_S)


if __name__ == "__main__":
    main()
