"""Faults by hand: somebody deletes a namespace, an interface, a file, or the results of a run that goes on."""

from __future__ import annotations

import shutil
from pathlib import Path

from chaos.cluster import CONTROLLER
from chaos.faults.fault import ANY, Fault

_NETNS, _VAR_TMP = Path("/run/netns"), Path("/var/tmp")


class _Deleted(Fault):
    running = ANY

    def namespaces(self, end: str) -> list[str]:
        """Those on the host of this end of links."""
        folder = self.cluster.hosts.root(self.host, _NETNS)
        return sorted(path.name for path in folder.glob(f"pl-*-{end}"))

    def mean(self, namespace: str) -> None:
        """It is the affair of one run only."""
        for run in self.cluster.hosts.root(CONTROLLER, self.cluster.runs).glob("*-r[0-9]*-*"):
            if f"-{run.name.rpartition('-')[2]}-" in namespace:
                self.run = run.name


class NamespaceUnnamed(_Deleted):
    """It is still there, for those who are in it."""

    name = "delete namespace"

    def inject(self) -> bool:
        """By its name, as `ip netns delete`."""
        if not (names := self.namespaces(self.dice.choice(("client", "link", "server")))):
            return False
        self.what = self.dice.choice(names)
        self.mean(self.what)
        done = self.cluster.hosts.do(self.host, "ip", "netns", "delete", self.what)
        self.what += f" {done.stderr.strip()}"
        return done.returncode == 0


class VethDeleted(_Deleted):
    """The link is none any more."""

    name, breaks = "delete veth", True

    def inject(self) -> bool:
        """One of the two in the middle, and its twin with it."""
        if not (names := self.namespaces("link")):
            return False
        namespace, interface = self.dice.choice(names), self.dice.choice(("sim-veth1", "sim-veth2"))
        self.mean(namespace)
        done = self.cluster.hosts.do(self.host, "ip", "-n", namespace, "link", "delete", interface)
        self.what = f"{interface} of {namespace} {done.stderr.strip()}"
        return done.returncode == 0


class OutputDeleted(_Deleted):
    """What a program writes lies on its host until the controller has it."""

    name = "delete output file"

    def inject(self) -> bool:
        """One that is there."""
        files = [p for p in self.cluster.hosts.root(self.host, _VAR_TMP).glob("plctl-*/**/*") if p.is_file()]
        if not files:
            return False
        file = self.dice.choice(sorted(files))
        self.what = "/".join(file.parts[-2:])
        file.unlink()
        return True


class _OfResults(Fault):
    """Something of a run that goes on, in the controller's folder."""

    where, running = "controller", ANY

    def folder(self) -> Path | None:
        """The newest."""
        folders = sorted(self.cluster.hosts.root(CONTROLLER, self.cluster.runs).glob("*-r[0-9]*-*"))
        going = [path for path in folders if not (path / "telemetry.parquet").exists()]
        if not going:
            return None
        self.run = going[-1].name
        return going[-1]


class ResultsDeleted(_OfResults):
    """Other runs notice nothing."""

    name = "delete results"

    def inject(self) -> bool:
        """The whole folder."""
        if (folder := self.folder()) is None:
            return False
        self.what = folder.name
        shutil.rmtree(folder, ignore_errors=True)
        return True


class ResultFileDeleted(_OfResults):
    """One of its files."""

    name, breaks = "delete result file", False

    def inject(self) -> bool:
        """Any of them."""
        if (folder := self.folder()) is None:
            return False
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        if not files:
            return False
        file = self.dice.choice(files)
        self.what = "/".join(file.parts[-2:])
        file.unlink(missing_ok=True)
        return True


FAULTS = (NamespaceUnnamed, VethDeleted, OutputDeleted, ResultsDeleted, ResultFileDeleted)
