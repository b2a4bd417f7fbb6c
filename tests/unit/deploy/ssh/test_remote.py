"""A host over real ssh, served on loopback by this process: who gets in, what is asked of it, and what fails."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest

from plctl.deploy.inventory.host import Host
from plctl.deploy.ssh.failure import CutError, RemoteError
from plctl.deploy.ssh.remote import Login, Remote, parse_jump
from plctl.deploy.ssh.trust import Trust

PASSWORD = "open sesame"
KEY, OTHER_KEY = (asyncssh.generate_private_key("ssh-ed25519") for _ in range(2))
Handler = Callable[["asyncssh.SSHServerProcess[bytes]"], Awaitable[None]]


class Door(asyncssh.SSHServer):
    """Lets in whoever knows the password."""

    def begin_auth(self, username: str) -> bool:
        return bool(username)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return username == "ada" and password == PASSWORD


async def shell(process: asyncssh.SSHServerProcess[bytes]) -> None:
    """Run what is asked for, as a login shell would."""
    assert process.command is not None
    given = await process.stdin.read()
    command = ["sh", "-c", process.command]
    done = await asyncio.to_thread(subprocess.run, command, input=given, capture_output=True, check=False)
    process.stdout.write(done.stdout)
    process.stderr.write(done.stderr)
    process.exit(done.returncode)


def saying(text: str) -> Handler:
    """A shell that answers everything with `text`."""

    async def answer(process: asyncssh.SSHServerProcess[bytes]) -> None:
        process.stdout.write(text.encode())
        process.exit(0)

    return answer


@asynccontextmanager
async def serving(handler: Handler = shell, key: asyncssh.SSHKey = KEY) -> AsyncIterator[Host]:
    """A host on loopback that proves to have `key`."""
    server = await asyncssh.create_server(
        Door, "127.0.0.1", 0, server_host_keys=[key], process_factory=handler, encoding=None
    )
    try:
        yield Host("edge-1", address="127.0.0.1", port=server.get_port(), user="ada")
    finally:
        server.close()
        await server.wait_closed()


def login(folder: Path, *known: Host, accept_new: bool = False, password: str = PASSWORD) -> Login:
    """A way in that knows `KEY` as the key of the hosts `known`."""
    path = folder / "known_hosts"
    public = KEY.export_public_key().decode().strip()
    with path.open("a") as file:
        file.writelines(f"[{host.address}]:{host.port} {public}\n" for host in known)
    return Login(Trust(path, accept_new=accept_new), password=password)


async def refusal(host: Host, access: Login) -> str:
    """Why `host` cannot be used."""
    remote = Remote(host, access)
    try:
        with pytest.raises(RemoteError) as caught:
            await remote.open()
        return str(caught.value)
    finally:
        await remote.close()


@pytest.mark.needs_root
async def test_a_host_answers_what_it_is_asked(tmp_path: Path) -> None:
    """Our end of the connection needs nothing there but a Python, and leaves no file."""
    async with serving() as host:
        remote = Remote(host, login(tmp_path, host))
        try:
            machine = await remote.open()
            facts = await remote.call("inspect", root=str(tmp_path))
        finally:
            await remote.close()
    assert machine.python_version.startswith("3.")
    assert (True, [], "") == (facts["root"], facts["bundles"], facts["current"])
    assert ["known_hosts"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.needs_root
async def test_a_payload_arrives_whole(tmp_path: Path) -> None:
    """And what the host refuses is told in its own words."""
    (tmp_path / "payload").write_bytes(bytes(3_000_000))
    async with serving() as host:
        remote = Remote(host, login(tmp_path, host))
        try:
            await remote.open()
            with pytest.raises(RemoteError, match=r"incoming/1\.tar\.gz came incomplete"):
                await remote.call("receive", tmp_path / "payload", root=str(tmp_path), bundle="1", sha256="no")
        finally:
            await remote.close()


async def test_a_wrong_password_is_told(tmp_path: Path) -> None:
    """With the account's name, without the password."""
    async with serving() as host:
        told = await refusal(host, login(tmp_path, host, password="guess"))
    assert told.startswith("ssh refuses ada: the password is wrong, or none is taken there")
    assert "guess" not in told


async def test_a_port_where_nobody_listens_is_told(tmp_path: Path) -> None:
    """In the kernel's words."""
    async with serving() as host:
        pass
    assert f"cannot be reached at 127.0.0.1 port {host.port}: " in await refusal(host, login(tmp_path))


async def test_several_addresses_are_one_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the kernel's words, once each, without asyncio's around them."""

    async def refuse(*_: object, **__: object) -> None:
        text = "[Errno 111] Connect call failed ('::1', 22, 0, 0), [Errno 111] Connect call failed ('127.0.0.1', 22)"
        raise OSError(f"Multiple exceptions: {text}, [Errno 101] Network is unreachable")

    monkeypatch.setattr(asyncssh, "connect", refuse)
    told = await refusal(Host("edge-1"), login(tmp_path))
    assert "cannot be reached at edge-1: Connection refused, Network is unreachable" == told


@pytest.mark.needs_root
async def test_an_unknown_host_key_is_never_accepted_by_itself(tmp_path: Path) -> None:
    """The sentence shows it, to be compared; with the user's word it is written down and counts from then on."""
    async with serving() as host:
        told = await refusal(host, login(tmp_path))
        assert told.startswith(f"its host key is unknown: it shows ssh-ed25519 {KEY.get_fingerprint()}")
        assert "" == (tmp_path / "known_hosts").read_text()
        for accept_new in (True, False):
            remote = Remote(host, login(tmp_path, accept_new=accept_new))
            await remote.open()
            await remote.close()
    assert 1 == len((tmp_path / "known_hosts").read_text().splitlines())


async def test_a_changed_host_key_is_never_accepted(tmp_path: Path) -> None:
    """Not even where new ones are: somebody may be in between."""
    async with serving(key=OTHER_KEY) as host:
        told = await refusal(host, login(tmp_path, host, accept_new=True))
    assert told.startswith(f"its host key has changed: it shows ssh-ed25519 {OTHER_KEY.get_fingerprint()}")
    assert f"ssh-keygen -R '[127.0.0.1]:{host.port}'" in told
    assert 1 == len((tmp_path / "known_hosts").read_text().splitlines())


async def test_an_old_python_is_told_with_its_version(tmp_path: Path) -> None:
    """And where there are several, the first that is new enough is taken."""
    async with serving(saying("0\nx86_64\n/usr/bin/python3 3.9.2\n")) as host:
        told = await refusal(host, login(tmp_path, host))
        assert told.startswith("Python 3.9.2 (/usr/bin/python3) is too old, plctl needs 3.11 or newer")
    async with serving(saying("0\nx86_64\n/usr/bin/python3 3.9.2\n/opt/python3.12 3.12.1\n")) as host:
        remote = Remote(host, login(tmp_path, host))
        machine = await remote.open()
        await remote.close()
    assert ("/opt/python3.12", "3.12") == (machine.python, machine.python_version)


async def test_an_account_that_may_not_become_root_is_told(tmp_path: Path) -> None:
    """Before anything is tried."""
    async with serving(saying("1000\nx86_64\n/usr/bin/python3 3.11.2\n")) as host:
        without = Host(host.name, address=host.address, port=host.port, user=host.user, sudo=False)
        assert "its user is not root, and the inventory says sudo: false" == await refusal(
            without, login(tmp_path, host)
        )


async def test_a_connection_that_breaks_half_way_is_told_with_the_step(tmp_path: Path) -> None:
    """So that whoever deploys knows what may be half done."""

    async def break_off(process: asyncssh.SSHServerProcess[bytes]) -> None:
        if b"id -u" in (process.command or "").encode():
            process.stdout.write(b"0\nx86_64\n/usr/bin/python3 3.11.2\n")
            process.exit(0)
        else:
            process.channel.get_connection().abort()

    async with serving(break_off) as host:
        remote = Remote(host, login(tmp_path, host))
        await remote.open()
        with pytest.raises(CutError, match=r"the ssh connection broke \(.*\) during: install"):
            await remote.call("install", bundle="1")
        await remote.close()


@pytest.mark.needs_root
async def test_a_host_is_reached_through_another(tmp_path: Path) -> None:
    """A jump host's key is checked like any other's."""

    class Gate(Door):
        def connection_requested(self, *_: object) -> bool:
            return True

    gate = await asyncssh.create_server(Gate, "127.0.0.1", 0, server_host_keys=[KEY])
    via = Host("gate", address="127.0.0.1", port=gate.get_port(), user="ada")
    try:
        async with serving() as host:
            behind = Host(host.name, address=host.address, port=host.port, user=host.user, jump="gate")
            access = login(tmp_path, host, via)
            remote = Remote(behind, Login(access.trust, password=PASSWORD, jumps={"gate": via}))
            assert "3." in (await remote.open()).python_version
            await remote.close()
            stranger = Host(host.name, address=host.address, port=host.port, jump=f"ada@127.0.0.2:{via.port}")
            assert (await refusal(stranger, access)).startswith("the jump host 127.0.0.2 ")
    finally:
        gate.close()
        await gate.wait_closed()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gate", Host("gate")),
        ("ada@gate:23", Host("gate", user="ada", port=23)),
        ("2001:db8::1", Host("2001:db8::1")),
    ],
)
def test_a_jump_host_may_be_written_as_for_ssh(text: str, expected: Host) -> None:
    """As after ssh's -J."""
    assert expected == parse_jump(text)
