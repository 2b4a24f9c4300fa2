"""What the documents, the Makefile and CI name is there: links, headings, files."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT, ROOT / "docs", ROOT / "models"]
DOCUMENTS = sorted(path for folder in FOLDERS for path in folder.glob("*.md"))
ROOMS = [path.name for path in (ROOT / "tracker_ros").iterdir() if path.is_dir()]
TOP = ("config", "docs", "examples", "launch", "models", "requirements", "test", "tools")


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def headings(document: Path) -> set[str]:
    """As GitHub makes anchors of them."""
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.S)
    words = re.findall(r"^#+ (.*)$", text, flags=re.M)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in words}


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_links_lead_somewhere(document):
    links = re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8"))
    for link in (one for one in links if "://" not in one):
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        assert not anchor or anchor in headings(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_files_in_backticks_are_there(document):
    """Below the checkout or the package; not names that stand for others, as ``nodes/NODE.py``."""
    for name in re.findall(r"`([\w.]+/[\w./]*\w)`", document.read_text(encoding="utf-8")):
        first, upper = name.partition("/")[0], re.search(r"\b[A-Z]{2,}\b", name)
        homes = [ROOT] * (first in TOP) + [ROOT / "tracker_ros"] * (first in ROOMS)
        assert upper or not homes or any((home / name).exists() for home in homes), name


@pytest.mark.parametrize("file", ["Makefile", ".github/workflows/ci.yml"])
def test_tests_that_are_run_are_there(file):
    names = re.findall(r"(?<![\w./])test/[\w./]+", (ROOT / file).read_text(encoding="utf-8"))
    assert names
    for name in names:
        assert (ROOT / name).exists(), name
