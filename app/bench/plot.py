"""The picture of cost against size: one panel a task, one line an engine."""

from collections import defaultdict
from pathlib import Path
from typing import Final

from app.bench.timing import OURS, Measured, Missing, Rows
from app.errors import invalid

DECADE: Final = 10.0


def plot(rows: Rows, file: Path) -> None:
    """Write a PNG of the medians in milliseconds; Problem 422 without two sizes or matplotlib."""
    lines: dict[str, dict[str, list[tuple[int, float]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if isinstance(row, Measured) and row.unit == "ms":
            lines[row.task][row.engine].append((row.size, row.p50))
    if len({row.size for row in rows if isinstance(row, Measured) and row.unit == "ms"}) < 2:
        raise invalid("--plot", "needs at least two sizes: give --size twice or more")
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - of the extra `bench`
    except ImportError as error:
        raise invalid("--plot", "needs matplotlib: pip install 'enmusubi[bench]'") from error
    figure = Figure(figsize=(4.6 * len(lines), 4.2), layout="constrained")
    panels = figure.subplots(1, len(lines), squeeze=False)[0]
    for panel, (task, engines) in zip(panels, lines.items(), strict=True):
        for engine, points in engines.items():
            sizes, medians = zip(*sorted(points), strict=True)
            own = engine == OURS
            panel.plot(
                sizes,
                medians,
                marker="o",
                label=engine,
                linewidth=2.6 if own else 1.2,
                zorder=3 if own else 2,
            )
        panel.set(xscale="log", yscale="log", title=task, xlabel="capabilities")
        low, high = panel.get_ylim()
        if high < DECADE * low:  # else differences of a tenth would fill the panel
            middle = (low * high) ** 0.5
            panel.set_ylim(middle / DECADE**0.5, middle * DECADE**0.5)
        panel.grid(visible=True, which="major", alpha=0.3)
        panel.legend(fontsize="small")
    panels[0].set_ylabel("median, ms a question")
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110)


def missing(rows: Rows) -> list[str]:
    """A sentence for each peer that was not measured."""
    return [
        f"{row.engine} was not measured at {row.task}: it {row.reason}."
        for row in rows
        if isinstance(row, Missing)
    ]
