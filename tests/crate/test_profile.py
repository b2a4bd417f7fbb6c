"""Bundles that are made today of runs and studies that were kept are Process Run Crates, as roc-validator sees them.

`make test-crate` runs it, with the validator in an environment of its own: it needs more packages than all the rest.
"""

from __future__ import annotations

import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
import rocrate
from click.testing import CliRunner

from plctl.common.cli.root_command import root

OLDER = Path(__file__).parents[1] / "unit/controller/results/older"
#: The Python of the environment that has the validator.
PYTHON = os.environ.get("PLCTL_VALIDATOR", "")
#: The context of RO-Crates: of the version that is given, or that which comes with the package that makes crates.
CONTEXT = os.environ.get("PLCTL_CRATE_CONTEXT") or str(Path(rocrate.__file__).parent / "data/ro-crate.jsonld")
PROFILE = "process-run-crate-0.5"
_PATIENCE_S = 300


def validate(crate: Path) -> subprocess.CompletedProcess[str]:
    """What the validator says of the crate in a folder."""
    assert PYTHON, "there is no validator; run: make test-crate"
    driver = Path(__file__).with_name("validate.py")
    options = ["-y", "validate", "-np", "-p", PROFILE, "-v", "--no-paging", "--no-cache", str(crate)]
    return subprocess.run(
        [PYTHON, str(driver), CONTEXT, *options], capture_output=True, text=True, check=False, timeout=_PATIENCE_S
    )


@pytest.fixture(params=["run-format-2", "study-format-1"])
def crate(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder that a bundle of today unpacks to."""
    with tarfile.open(OLDER / f"{request.param}.tar.gz") as archive:
        archive.extractall(tmp_path / "kept", filter="data")
    (folder,) = (tmp_path / "kept").iterdir()
    done = CliRunner().invoke(root, ["bundle", str(folder), "-o", str(tmp_path / "bundle.zip"), "--author", "A. Ada"])
    assert 0 == done.exit_code, done.output
    with zipfile.ZipFile(tmp_path / "bundle.zip") as bundle:
        bundle.extractall(tmp_path / "crate")
    return tmp_path / "crate"


def test_a_bundle_is_what_its_profile_asks_for(crate: Path) -> None:
    """Every requirement of RO-Crate 1.1 and of the profile."""
    done = validate(crate)
    assert 0 == done.returncode, done.stdout + done.stderr
    assert f"RO-Crate is a valid {PROFILE}" in done.stdout


def test_the_validator_finds_a_fault(crate: Path) -> None:
    """An action without its instrument: so a crate in which it finds none is worth something."""
    path = crate / "ro-crate-metadata.json"
    path.write_text(path.read_text().replace('"instrument"', '"means"'))
    done = validate(crate)
    assert 1 == done.returncode, done.stdout + done.stderr
