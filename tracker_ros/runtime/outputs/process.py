"""Processor time, memory and age of this process, for /diagnostics and benchmarks."""

import math
import os
import re
import resource
import sys
import time
from pathlib import Path


class ProcessorUse:
    """How much processor time this process uses: 1.5 means one and a half cores."""

    def __init__(self):
        self._last = (time.monotonic(), time.process_time())

    def since_last(self) -> float:
        """The mean since the call before."""
        last, self._last = self._last, (time.monotonic(), time.process_time())
        return (self._last[1] - last[1]) / max(self._last[0] - last[0], 1e-9)


def process_age() -> float:
    """Seconds since this process began; NaN where the system does not tell."""
    try:
        ticks = Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]
        uptime = float(Path("/proc/uptime").read_text().split()[0])
    except OSError:  # not Linux
        return math.nan
    return uptime - int(ticks) / os.sysconf("SC_CLK_TCK")


def memory_values(provider: str) -> dict[str, str]:
    """Memory of the process and, where torch runs on a GPU, of the device, in MiB."""
    values = {"process_memory_peak_mib": f"{_memory_peak():.0f}"}
    torch = sys.modules.get("torch")
    if torch is not None and "cuda" in provider:
        values["device_memory_mib"] = f"{torch.cuda.memory_allocated() / 2**20:.0f}"
    return values


def _memory_peak() -> float:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:  # not Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    # getrusage's begins with that of the process that started this one.
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) / 1024
