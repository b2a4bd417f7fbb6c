"""A laboratory of real Debian hosts: systemd, sshd, a disk, a network and clocks each, on one machine.

It is `plctl lab` (`plctl.agent.lab`) with an operating system booted inside each host: the same bridge, names, clocks,
keeper and ledger, and the same way of being taken down. See `lab.real_lab`.
"""
