"""Bundles: what goes into them, and that equal content makes an equal name."""

from __future__ import annotations

import platform
import tarfile
import zipfile
from pathlib import Path

import pytest

from plctl.common.base.errors import PlctlError, UserError, WorldError
from plctl.deploy.bundle import bundler as bundle
from plctl.deploy.bundle import wheel
from plctl.deploy.bundle.bundler import Bundle, Bundler, Target

HERE = Target("3.11", platform.machine())
METADATA = (
    "Metadata-Version: 2.4\nName: plctl\nVersion: 9.9\nRequires-Dist: leaf>=1\nRequires-Dist: heavy; extra == 'x'\n\n"
)


def write_wheel(path: Path, files: dict[str, str]) -> Path:
    """A wheel, or something that goes by that name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A wheel of plctl."""
    name = f"plctl-9.9-cp311-abi3-linux_{platform.machine()}.whl"
    return write_wheel(
        tmp_path / name, {"plctl/common/cli/root_command.py": "x", "plctl-9.9.dist-info/METADATA": METADATA}
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What pip is asked for; it always finds one wheel with a file in every place that a wheel can have."""
    calls: list[tuple[str, ...]] = []

    def fetch(*arguments: str) -> None:
        calls.append(arguments)
        files = {"leaf.py": "y", "leaf-1.data/platlib/leaf_core.so": "z", "leaf-1.data/scripts/leaf": "no"}
        write_wheel(Path(arguments[arguments.index("--dest") + 1]) / "leaf-1-py3-none-any.whl", files)

    monkeypatch.setattr(bundle, "run_pip", fetch)
    return calls


def names(made: Bundle) -> list[str]:
    """The files in a bundle."""
    with tarfile.open(made.path) as tar:
        return tar.getnames()


def test_a_bundle_holds_plctl_and_what_it_needs_there(tmp_path: Path, ours: Path, asked: list[tuple[str, ...]]) -> None:
    """Laid out as in site-packages; what only the controller needs is not asked for."""
    made = Bundler(tmp_path / "cache", [ours]).make(HERE)
    expected = ["leaf.py", "leaf_core.so", "plctl-9.9.dist-info/METADATA", "plctl/common/cli/root_command.py"]
    assert expected == names(made)
    assert ("9.9", len("x" + "y" + "z" + METADATA)) == (made.version, made.size_bytes)
    (arguments,) = asked
    assert "leaf>=1" == arguments[-1]
    assert "3.11" == arguments[arguments.index("--python-version") + 1]


def test_equal_content_has_an_equal_name(tmp_path: Path, ours: Path, asked: list[tuple[str, ...]]) -> None:
    """Also when it was made elsewhere and later; other content, or another Python, has another name."""
    first, again = (Bundler(tmp_path / folder, [ours]).make(HERE) for folder in ("a", "b"))
    assert (first.name, first.sha256) == (again.name, again.sha256)
    assert first.name != Bundler(tmp_path / "a", [ours]).make(Target("3.12", HERE.machine)).name
    write_wheel(ours, {"plctl/common/cli/root_command.py": "new", "plctl-9.9.dist-info/METADATA": METADATA})
    assert first.name != Bundler(tmp_path / "a", [ours]).make(HERE).name
    assert 3 == len(asked)


def test_what_was_fetched_once_is_not_fetched_again(tmp_path: Path, ours: Path, asked: list[tuple[str, ...]]) -> None:
    """A second deployment needs no network."""
    for _ in range(2):
        Bundler(tmp_path / "cache", [ours]).make(HERE)
    assert 1 == len(asked)


def test_a_failed_fetch_is_told_once_and_leaves_nothing(
    tmp_path: Path, ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twenty hosts do not wait for the same time-out one after the other; the next deployment tries again."""
    calls: list[str] = []

    def fail(*arguments: str) -> None:
        calls.append(arguments[0])
        raise WorldError("pip download failed: no network")

    monkeypatch.setattr(bundle, "run_pip", fail)
    bundler = Bundler(tmp_path / "cache", [ours])
    for _ in range(2):
        with pytest.raises(PlctlError, match=r"no network; does this machine, not the host, reach a package index\?"):
            bundler.make(HERE)
    assert ["download"] == calls
    assert [] == list((tmp_path / "cache" / "dependencies").iterdir())


@pytest.mark.parametrize("machine", ["aarch64", "x86_64"])
def test_another_architecture_needs_a_wheel_that_is_given(
    tmp_path: Path, machine: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence says how to get one."""
    monkeypatch.setattr(platform, "machine", lambda: "x86_64" if machine == "aarch64" else "aarch64")
    with pytest.raises(UserError, match=f"no plctl for {machine} here: .*--wheel"):
        Bundler(tmp_path).make(Target("3.11", machine))
    given = tmp_path / f"plctl-9.9-cp311-abi3-linux_{machine}.whl"
    assert given == wheel.find_wheel(machine, tmp_path, [given])


def test_a_file_that_is_no_wheel_is_refused(tmp_path: Path) -> None:
    """With its name."""
    path = tmp_path / f"plctl-9.9-cp311-abi3-linux_{platform.machine()}.whl"
    path.write_text("no")
    with pytest.raises(UserError, match="is no wheel"):
        Bundler(tmp_path / "cache", [path]).make(HERE)
