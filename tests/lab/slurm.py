"""Makes a Slurm cluster of the hosts of a laboratory: its head on the first, a node on each.

The hosts are installed from `lab.trees.SLURM`, Debian's own packages; this adds the configuration that an
administrator would write. All hosts share the munge key that came with their tree.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from lab.real_host import HostError, RealHost

_CONFIG = """\
ClusterName=lab
SlurmctldHost={head}
SlurmUser=slurm
StateSaveLocation=/var/lib/slurm/slurmctld
SlurmdSpoolDir=/var/lib/slurm/slurmd
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/linear
MpiDefault=none
ReturnToService=2
KillWait=10
SlurmdParameters=config_overrides
{nodes}
PartitionName=lab Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
#: Not that it were used: left alone, slurmd looks what kind of control groups there is, and ends if there are two.
_CGROUPS = "CgroupPlugin=cgroup/v1\n"
_LOOK_EVERY_S, _READY_S = 0.1, 60


def start_slurm(hosts: Sequence[RealHost]) -> None:
    """Configure and start Slurm on `hosts`, which are up; return once every node is idle.

    :raises HostError: a daemon does not start, or a node does not join.
    """
    head = hosts[0]
    nodes = "\n".join(f"NodeName={host.name} NodeAddr={host.address} CPUs=1 State=UNKNOWN" for host in hosts)
    config = _CONFIG.format(head=head.name, nodes=nodes)
    for host in hosts:
        host.run(["sh", "-c", "cat > /etc/slurm/slurm.conf"], text=config)
        host.run(["sh", "-c", "cat > /etc/slurm/cgroup.conf"], text=_CGROUPS)
        host.run(["systemctl", "restart", "munge"])
    head.run(["systemctl", "restart", "slurmctld"])
    for host in hosts:
        host.run(["systemctl", "restart", "slurmd"])
    await_nodes(head, len(hosts))


def await_nodes(head: RealHost, count: int) -> None:
    """Return once `count` nodes are idle.

    :raises HostError: they are not after a minute; the message has what Slurm says.
    """
    deadline = time.monotonic() + _READY_S
    while (states := node_states(head)).count("idle") < count:
        if time.monotonic() > deadline:
            log = head.run(["journalctl", "-u", "slurmctld", "-u", "slurmd", "-n", "20", "--no-pager"]).stdout
            raise HostError(f"the nodes are {states or 'unknown'} after {_READY_S} s:\n{log}")
        time.sleep(_LOOK_EVERY_S)


def node_states(head: RealHost) -> list[str]:
    """What Slurm says that its nodes are, e.g. ``idle``, ``alloc``, ``idle*`` for one that does not answer."""
    return head.run(["sinfo", "--noheader", "-N", "-o", "%t"], check=False).stdout.split()
