"""Shared memory of processes that tests kill: Fast DDS frees it only while its domain lives on."""

from contextlib import suppress
from pathlib import Path

HEX = "[0-9a-f]" * 16


def segments() -> set[Path]:
    """Fast DDS's segments that there are, of all processes of this machine."""
    return set(Path("/dev/shm").glob(f"fast*_{HEX}"))


def remove_ownerless(found: set[Path]) -> None:
    """Remove those that no process maps, each with its lock."""
    maps = ""
    for process in Path("/proc").glob("[0-9]*/maps"):
        with suppress(OSError):  # it has ended, or is somebody else's
            maps += process.read_text()
    for segment in found:
        if str(segment) not in maps:
            for path in (segment, segment.with_name(f"{segment.name}_el")):
                with suppress(OSError):
                    path.unlink()
