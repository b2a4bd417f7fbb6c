"""Files that programs in a link's namespaces see in /etc: names for both ends, and no name server of the host's.

Names of the host's are not to be asked for over a link: its name server is not there, so each would take until a
time-out. As `ip netns exec` does, whatever lies in /etc/netns/NAMESPACE/ has the last word.
"""

from __future__ import annotations

from pathlib import Path

from plctl.agent.kernel.link_names import CLIENT_IPV4, CLIENT_IPV6, SERVER_IPV4, SERVER_IPV6
from plctl.common.base.errors import KernelError

#: Where users put files of their own for a namespace (ip-netns(8)).
NETNS_ETC = Path("/etc/netns")

_HOSTS = f"""# The ends of an emulated link. What follows is the host's.
{CLIENT_IPV4} client
{SERVER_IPV4} server
{CLIENT_IPV6} client
{SERVER_IPV6} server

"""
_RESOLVER = """# No name server is reached over an emulated link. To have one, write /etc/netns/NAMESPACE/resolv.conf.
# Here nobody answers, and the kernel says so at once.
nameserver 127.0.0.1
options timeout:1 attempts:1
"""


def write_etc(folder: Path) -> Path:
    """Make `folder` with the files for the namespaces of any link; returned, for `etc_binds`.

    :raises KernelError: it cannot be written.
    """
    try:
        hosts = Path("/etc/hosts").read_text(errors="replace")
    except OSError:
        hosts = "127.0.0.1 localhost\n::1 localhost\n"
    try:
        folder.mkdir(exist_ok=True)
        for name, text in {"hosts": _HOSTS + hosts, "resolv.conf": _RESOLVER}.items():
            (folder / name).write_text(text)
            (folder / name).chmod(0o644)
    except OSError as error:
        raise KernelError.from_os(f"write the names of a link into {folder}", error) from error
    return folder


def etc_binds(folder: Path, netns: str) -> list[tuple[str, str]]:
    """What is laid over what in /etc for programs in the namespace `netns`, the last over the ones before.

    `folder` is what `write_etc` has made. What has no counterpart in /etc cannot be laid there, as by `ip netns exec`.
    """
    sources = [source for each in (folder, NETNS_ETC / netns) if each.is_dir() for source in sorted(each.iterdir())]
    return [(str(source), f"/etc/{source.name}") for source in sources]
