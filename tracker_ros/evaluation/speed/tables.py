"""Tables of a benchmark's results, ratios first."""

from collections.abc import Iterable, Iterator

Table = tuple[tuple[str, ...], Iterable[tuple[str, ...]]]  # headings, rows

STAGES = {
    "crop": "crop",
    "locate": "network",
    "decode": "maps to box",
    "box": "image → box",
    "remember": "remember",
}


def tables(report: dict) -> Iterator[Table]:
    """The parts that were measured; ``report`` as ``tracker-ros benchmark --json`` writes it."""
    if "trackers" in report:
        yield _trackers(report["trackers"])
        yield _stages(report)
    if "node" in report:
        yield _node(report["node"])
    for name, points in report.get("sweeps", {}).items():
        if points:
            yield _sweep(name, points)


def _trackers(trackers: dict) -> Table:
    headings = ("tracker", "speed over CSRT", "by processor time", "ms p50", "ms p99", "frames/s")
    return (
        (*headings, "peak MiB", "runs on"),
        (
            (
                name,
                f"{r['speed_over_csrt']:.2f}",
                f"{r['speed_over_csrt_by_processor_time']:.2f}",
                *_ms(r["ms"]),
                f"{r['fps']:.0f}",
                f"{r['process_memory_peak_mib']:.0f}"
                + (f" + {r['device_memory_mib']:.0f}" if "device_memory_mib" in r else ""),
                r["provider"],
            )
            for name, r in trackers.items()
        ),
    )


def _stages(report: dict) -> Table:
    def rows() -> Iterator[tuple[str, ...]]:
        for name, r in report["trackers"].items():
            for stage, label in STAGES.items():
                if ms := r["stages"].get(stage):
                    yield f"{name}: {label}", f"{ms['share']:.1%}", *_ms(ms)
        for encoding, ms in report["receive"].items():
            yield f"message → image, {encoding}", "", *_ms(ms)
        for rate, r in report.get("node", {}).items():
            yield f"publish, {rate}", "", *_ms(r["publish_ms"])

    return ("stage", "share of the frame", "ms p50", "ms p99"), rows()


def _node(node: dict) -> Table:
    def text(value: float | None, form: str) -> str:
        return "-" if value is None else format(value, form)

    return (
        (
            "through the node",
            "answered/s",
            "dropped",
            "image → detections, ms p50",
            "p99",
            "cores used",
            "peak MiB",
            "s to active",
        ),
        (
            (
                name,
                f"{r['fps']:.1f}",
                f"{r['dropped']} of {r['images']}",
                *_ms(r["latency_ms"]),
                text(r["cores"], ".2f"),
                text(r["memory_mib"], ".0f"),
                f"{r['startup_s']:.1f}",
            )
            for name, r in node.items()
        ),
    )


def _sweep(name: str, points: list[dict]) -> Table:
    first = points[0]
    return (
        (name, "ratio of means", "ms mean", "p50", "p99", *(["MiB"] if "rss" in first else [])),
        (
            (
                f"{p['x']:g}",
                # A median would forget the frames that are memorised.
                f"{p['mean'] / first['mean']:.2f}",
                f"{p['mean']:.2f}",
                *_ms(p),
                *([f"{p['rss']:.0f}"] if "rss" in p else []),
            )
            for p in points
        ),
    )


def _ms(values: dict[str, float]) -> tuple[str, str]:
    return f"{values['p50']:.2f}", f"{values['p99']:.2f}"
