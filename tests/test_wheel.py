"""The wheel: what others install holds every package and nothing else, and works far from this repository."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("common", "agent", "controller", "deploy")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the sources so that nothing built earlier gets into it."""
    copy, out = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheel")
    built = shutil.ignore_patterns("*.so", "__pycache__")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, ignore=built)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE-MIT", "LICENSE-APACHE"):
        shutil.copy(ROOT / name, copy)
    run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(out), str(copy))
    (path,) = out.iterdir()
    return path


@pytest.fixture(scope="module")
def files(wheel: Path) -> set[str]:
    """The names of all files in the wheel."""
    return set(zipfile.ZipFile(wheel).namelist())


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` folder of an environment that has the wheel, and the packages of the one that runs the tests."""
    environment = tmp_path_factory.mktemp("environment")
    venv.create(environment, with_pip=False, symlinks=True)
    python = environment / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "-q", "--python", str(python))
    run(*pip, "install", "--no-deps", "--no-index", "--disable-pip-version-check", str(wheel))
    # Only now, and as a path that runs no .pth files: else the editable installation would shadow the wheel.
    site = Path(run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (site / "dependencies.pth").write_text("\n".join(path for path in sys.path if path.endswith("-packages")))
    return environment / "bin"


def run(*command: str, cwd: Path | None = None) -> str:
    """Standard output of `command`, which must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_every_folder_of_modules_is_a_package() -> None:
    """One without `__init__.py` would be missing from the wheel without a word, as setup.py looks for it."""
    folders = {path.parent for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")}
    assert [] == sorted(str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists())


def test_every_file_is_in_the_wheel(files: set[str]) -> None:
    """Modules, stubs and data, as in the folders; the core's sources and what is for other programs stay behind."""
    expected = {
        f"plctl/{path.relative_to(ROOT)}".replace("plctl/controller/public/", "plctl/results/")
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix not in (".c", ".h", ".inc", ".so", ".pyc")
        if path.parent.name not in ("debian", "monitoring")
    }
    assert set() == expected - files


def test_the_wheel_holds_plctl_and_nothing_else(files: set[str]) -> None:
    """No top-level `common` to clash with the world's, no tests, no C sources."""
    assert {name.partition("/")[0] for name in files if ".dist-info/" not in name} == {"plctl"}
    assert [] == [name for name in files if name.endswith((".c", ".h", ".inc")) or "test" in Path(name).name]


def test_the_wheel_serves_every_python_from_3_11(wheel: Path, files: set[str]) -> None:
    """The core is built for the stable ABI, and the wheel says so."""
    assert wheel.name.startswith("plctl-")
    assert "-cp311-abi3-linux_" in wheel.name
    assert "plctl/agent/native/_core.abi3.so" in files


def test_both_licences_are_in_the_wheel(files: set[str]) -> None:
    """MIT or Apache-2.0, at the user's choice."""
    assert {"LICENSE-MIT", "LICENSE-APACHE"} <= {Path(name).name for name in files}


def test_an_installed_wheel_runs_anywhere(installed: Path, tmp_path: Path) -> None:
    """`plctl` works from an empty folder, and what it imports is the wheel's."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert run(str(installed / "plctl"), "--version", cwd=tmp_path) == f"plctl {project['version']}\n"
    code = (
        "import plctl.common, plctl.agent.native._core as core; print(plctl.common.__file__, core.__file__, sep='\\n')"
    )
    imported = run(str(installed / "python"), "-c", code, cwd=tmp_path).splitlines()
    assert len(imported) == 2
    assert all(Path(path).is_relative_to(installed.parent) for path in imported)


def test_the_test_environment_has_this_repository_installed() -> None:
    """The other tests see the sources beside them, not some older copy."""
    code = "import plctl.common; print(plctl.common.__file__)"
    assert run(sys.executable, "-c", code, cwd=Path("/")) == f"{ROOT / 'common/__init__.py'}\n"
