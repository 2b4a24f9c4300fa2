"""`make setup` where it cannot succeed: one sentence, a failing exit, and no trouble afterwards."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BASE_PYTHON = sys._base_executable

pytestmark = pytest.mark.skipif(
    shutil.which("make") is None or not (ROOT / "Makefile").exists(), reason="needs make"
)


@pytest.fixture
def checkout(tmp_path):
    """A copy of what the set-up reads, without an environment."""
    copy = tmp_path / "checkout"
    # Not what Python keeps, whose files come and go while other tests run.
    without = shutil.ignore_patterns("__pycache__")
    for name in ("tracker_ros/interfaces", "requirements", "tools"):
        shutil.copytree(ROOT / name, copy / name, ignore=without)
    for name in ("Makefile", "package.xml", "pyproject.toml", "setup.py"):
        shutil.copy(ROOT / name, copy)
    return copy


def make_setup(checkout, python=BASE_PYTHON, **environment):
    """Returns what a failing `make setup` printed: (stdout, its one sentence)."""
    done = subprocess.run(
        ["make", "-C", checkout, "setup", f"PYTHON={python}"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    (sentence,) = [line for line in done.stderr.splitlines() if line.startswith("setup: ")]
    return done.stdout, sentence


@pytest.mark.parametrize("python", ["false", "no-such-python"])
def test_unsuitable_python(checkout, python):
    _, sentence = make_setup(checkout, python)
    assert sentence == f"setup: {python} is not Python 3.11 or newer; name one with PYTHON=..."


def test_an_environment_keeps_its_python(checkout, tmp_path):
    chosen, settings = tmp_path / "python3.13", checkout / ".venv" / "pyvenv.cfg"
    settings.parent.mkdir()
    settings.write_text(f"home = {tmp_path}\nexecutable = {chosen}\n")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHON"}

    def taken(*arguments):
        command = ["make", "-C", checkout, "--dry-run", "setup", *arguments]
        told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        (line,) = [one for one in told.stdout.splitlines() if one.endswith("tools/setup_env.py")]
        return line.split()[0]

    assert taken() != str(chosen)  # it is gone
    chosen.symlink_to(BASE_PYTHON)
    assert taken() == str(chosen)
    assert taken("PYTHON=other") == "other"


@pytest.mark.parametrize(
    ("present", "missing"), [([], "no C compiler"), (["cc"], "no C++ compiler")]
)
def test_missing_compiler(checkout, tmp_path, present, missing):
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ["make", "sh", *present]:
        (tools / name).symlink_to(shutil.which(name))
    _, sentence = make_setup(checkout, PATH=str(tools), CC="", CXX="")
    assert missing in sentence
    assert not (checkout / ".venv").exists()


def test_unreachable_registry_and_another_try(checkout):
    (checkout / ".venv" / "bin").mkdir(parents=True)  # left by an interrupted set-up
    unreachable = {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_INDEX_URL": "http://127.0.0.1:9/simple",
        "PIP_RETRIES": "1",
    }
    first, sentence = make_setup(checkout, **unreachable)
    assert "registry cannot be reached" in sentence
    assert "Virtual environment done" in first
    second, _ = make_setup(checkout, **unreachable)
    assert "Virtual environment" not in second
