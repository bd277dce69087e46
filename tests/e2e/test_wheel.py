"""The wheel in an environment of its own, isolated, from a folder that has its own ``reports/``."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.e2e.office import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "-q",
        "-w",
        str(folder),
        str(ROOT),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (made,) = folder.glob("pmo_sync-*.whl")
    return made


def test_wheel_holds_three_packages_and_their_data(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"pmo_sync", "connectors", "reports"}
    tracked = subprocess.run(["git", "ls-files", *sorted(tops)], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(tracked.stdout.split()) <= set(names)
    for ending in (".sql", ".po", ".j2", ".css", "py.typed"):
        assert any(name.endswith(ending) for name in names), ending


@pytest.mark.timeout(600)
def test_wheel_runs_the_demo(wheel: Path, tmp_path: Path) -> None:
    """In a new environment that knows this one's libraries but not this checkout."""
    place = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(place)], check=True)
    python = place / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(pip, check=True, capture_output=True)
    (packages,) = place.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_paths()["purelib"] + "\n", encoding="utf-8")
    work = tmp_path / "work"
    (work / "reports").mkdir(parents=True)
    (work / "reports" / "__init__.py").write_text("raise RuntimeError('not ours')\n", encoding="utf-8")
    where = "import pmo_sync, reports, connectors; print(pmo_sync.__file__, reports.__file__, connectors.__file__)"
    found = subprocess.run(
        [str(python), "-I", "-c", where], cwd=work, capture_output=True, text=True, check=True
    ).stdout
    assert found.count(str(packages)) == 3
    command = [str(python), "-I", "-m", "pmo_sync", "demo", "--quick", "--out", "out", "--json"]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (work / "out" / "reports" / "portfolio.html").is_file()
