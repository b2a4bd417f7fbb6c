"""The wheel: what others install holds every package and nothing else, and works far from this repository."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from plctl.deploy.bundle import bundler
from plctl.deploy.bundle.wheel import find_wheel

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("common", "agent", "controller", "deploy")
#: What setup.py makes, of which nothing that was made before may take part.
MADE = ("*.so", "__pycache__", "counters.h", "disciplines.inc")
#: What stays behind: what the core is made of, and what a Debian package is.
LEFT = ("agent/native/*/*.[ch]", "deploy/debian/*")
#: What becomes of the wheel's data where it is used, each in the words of the module that does.
USES = """
import sys
from importlib.metadata import entry_points
from importlib.resources import files
import plctl.results
from plctl.agent.native import _core
from plctl.controller.orbits import map_svg
from plctl.controller.report.document import document
from plctl.controller.web.app import _page_routes
from plctl.deploy.hosts.unit import unit_text
from plctl.deploy.ssh.host_end import program
for group in ("commands", "scenario_readers", "metric_readers"):
    print(group, len([each.load() for each in entry_points(group=f"plctl.{group}")]))
print("land", len(map_svg._land()))
print("page", len(document("a run")))
print("routes", len(_page_routes()))
print("unit", unit_text("/usr/bin/plctl", "tcp://h:7777", "/etc/plctl").count("/usr/bin/plctl"))
print("host", len(program()))
print("alerts", len(files("plctl.deploy").joinpath("monitoring/alerts.yaml").read_text()))
print("elsewhere", *(name for name, module in sys.modules.items() if name.partition(".")[0] == "plctl"
                     and not (getattr(module, "__file__", None) or sys.prefix).startswith(sys.prefix)))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the sources so that nothing built earlier gets into it."""
    copy, out = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("wheel")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns(*MADE))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE-MIT", "LICENSE-APACHE"):
        shutil.copy(ROOT / name, copy)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(out), str(copy)]
    run("env", f"CFLAGS=-ffile-prefix-map={copy}=plctl", *build)  # or debugging information would name the folder
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


def contents(path: Path) -> dict[str, bytes]:
    """What a wheel holds, by name."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def run(*command: str, cwd: Path | None = None) -> str:
    """Standard output of `command`, which must succeed."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_a_deployment_builds_this_checkout_as_it_is_now(wheel: Path, tmp_path: Path) -> None:
    """What was built elsewhere from the same sources is the same; a second time nothing is built."""
    path = find_wheel(platform.machine(), tmp_path)
    built = path.stat().st_mtime_ns
    assert contents(wheel) == contents(path)
    assert Path(bundler.__file__).read_bytes() == contents(path)["plctl/deploy/bundle/bundler.py"]
    assert [path] == list(path.parent.iterdir())
    assert path == find_wheel(platform.machine(), tmp_path)
    assert built == path.stat().st_mtime_ns


def test_every_folder_of_modules_is_a_package() -> None:
    """One without `__init__.py` would be missing from the wheel without a word, as setup.py looks for it."""
    folders = {path.parent for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")}
    assert [] == sorted(str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists())


def test_the_wheel_holds_every_file_of_the_folders_and_nothing_else(files: set[str]) -> None:
    """Modules, stubs and data; no top-level `common` to clash with the world's, no tests."""
    there = [path.relative_to(ROOT) for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.is_file()]
    kept = [path for path in there if not any(map(path.match, (*LEFT, *MADE))) and "__pycache__" not in path.parts]
    expected = {f"plctl/{path}".replace("plctl/controller/public/", "plctl/results/") for path in kept}
    core = "plctl/agent/native/_core.abi3.so"
    assert expected | {core} == {name for name in files if ".dist-info/" not in name}


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


def test_an_installed_wheel_finds_all_that_it_needs(installed: Path, tmp_path: Path) -> None:
    """Every command and reader is there, and every file that is no module is found by what uses it."""
    said = run(str(installed / "python"), "-c", USES, cwd=tmp_path).splitlines()
    found = dict(line.partition(" ")[::2] for line in said)
    assert "" == found.pop("elsewhere")
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    for group, each in declared.items():
        assert str(len(each)) == found.pop(group.removeprefix("plctl."))
    assert ["land", "page", "routes", "unit", "host", "alerts"] == list(found)
    assert all(int(count) for count in found.values())


def test_the_test_environment_has_this_repository_installed() -> None:
    """The other tests see the sources beside them, not some older copy."""
    code = "import plctl.common; print(plctl.common.__file__)"
    assert run(sys.executable, "-c", code, cwd=Path("/")) == f"{ROOT / 'common/__init__.py'}\n"
