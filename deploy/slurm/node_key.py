"""Makes an agent's key pair on the host that will use it.

It is run as `python -I -m plctl.deploy.slurm.node_key NAME FOLDER PUBLIC`. The secret never leaves
the host. NAME and the public half are printed in a line, for the controller's allow-list. PUBLIC is the key of the
controller that the agent is to connect to.
"""

from __future__ import annotations

import sys
from pathlib import Path

from plctl.common.base.errors import PlctlError
from plctl.common.security.keys import KeyPair, save_controller_public, save_pair


def main() -> int:
    """Carry out the order in argv."""
    name, folder, controller_public = sys.argv[1:]
    try:
        pair = KeyPair.generate(name, "agent")
        save_pair(Path(folder), pair)
        save_controller_public(Path(folder), controller_public)
    except PlctlError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    print(pair.name, pair.public)
    return 0


if __name__ == "__main__":
    sys.exit(main())
