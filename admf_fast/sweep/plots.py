"""Pictures of results: HTML by plotly, PNG and SVG by matplotlib, both in the extra ``plots``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from admf_fast.atomic import atomic_file
from admf_fast.errors import ConfigError
from admf_fast.sweep.run import params_of
from admf_fast.sweep.show import Grid, figure_of

SUFFIXES = (".html", ".png", ".svg")
LINES_MAX = 5_000  # of parallel coordinates; a browser draws no more, nor can anybody read them


def write_heatmap(grid: Grid, target: Path) -> None:
    """Write a heatmap; its suffix is one of `SUFFIXES`.

    Raises ConfigError for another suffix, or without the extra; StateError from the disk.
    """
    check_suffix(target, SUFFIXES)
    if target.suffix == ".html":
        _write_html(_figure(grid), target)
    else:
        _write_image(grid, target)


def check_suffix(target: Path, suffixes: Sequence[str]) -> None:
    """Refuse a file whose suffix says none of some formats."""
    if target.suffix not in suffixes:
        raise ConfigError(f"--out: expected a file ending in {', '.join(suffixes)}; found {target}")


def _figure(grid: Grid) -> Any:
    graph = _plotly()
    heat = graph.Heatmap(
        x=[str(v) for v in grid.x], y=[str(v) for v in grid.y], z=grid.z, colorscale="Viridis",
        colorbar={"title": {"text": grid.metric}},
        hovertemplate=f"{grid.x_name} %{{x}}<br>{grid.y_name} %{{y}}<br>{grid.metric} %{{z}}"
        "<extra></extra>",
    )  # fmt: skip
    figure = graph.Figure(heat)
    figure.update_layout(
        # In two lines, for narrow windows.
        title=grid.title.replace(", ", "<br>", 1), template="plotly_white",
        xaxis={"title": {"text": grid.x_name}, "type": "category"},
        yaxis={"title": {"text": grid.y_name}, "type": "category"},
    )  # fmt: skip
    return figure


def write_parallel(path: Path, metric: str, target: Path) -> int:
    """Write parallel coordinates of all parameters and a figure, as HTML; returns how many lines.

    Rows without the figure are left out; of more than `LINES_MAX` those with the largest stay.
    """
    check_suffix(target, (".html",))
    figure_of(metric)
    names = [*params_of(path), metric]
    table = pq.read_table(path, columns=["symbol", *names])
    table = table.filter(pc.is_finite(table[metric].cast("float64")))
    table = table.sort_by([(metric, "descending")]).slice(0, LINES_MAX)
    graph = _plotly()
    # Of several instruments, which line is whose is an axis of its own.
    axes = names if len(table["symbol"].unique()) < 2 else ["symbol", *names]
    dimensions = [_dimension(name, table[name].to_pylist()) for name in axes]
    line = {"color": table[metric].to_pylist(), "colorscale": "Viridis", "showscale": True}
    figure = graph.Figure(graph.Parcoords(line=line, dimensions=dimensions))
    figure.update_layout(title=f"{metric} of {table.num_rows:,} rows", template="plotly_white")
    _write_html(figure, target)
    return int(table.num_rows)


def _dimension(name: str, values: list[Any]) -> dict[str, Any]:
    if all(isinstance(v, int | float) for v in values):
        return {"label": name, "values": [float(v) for v in values]}
    texts = sorted({str(v) for v in values})
    places = [texts.index(str(v)) for v in values]
    return {"label": name, "values": places, "tickvals": [*range(len(texts))], "ticktext": texts}


def _plotly() -> Any:
    try:
        import plotly.graph_objects as graph
    except ImportError as error:
        raise ConfigError(_missing("plotly")) from error
    return graph


def _missing(library: str) -> str:
    return f"pictures need {library}: pip install 'admf-fast[plots]'"


def _write_html(figure: Any, target: Path) -> None:
    # The script is inside: the page opens anywhere, and asks nobody for anything.
    text = figure.to_html(include_plotlyjs=True, full_html=True)
    with atomic_file(target) as path:
        path.write_text(text, encoding="utf-8")


def _write_image(grid: Grid, target: Path) -> None:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ConfigError(_missing("matplotlib")) from error
    figure = Figure(figsize=(9.0, 7.0), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    cells = [[float("nan") if v is None else v for v in row] for row in grid.z]
    image = axes.imshow(cells, origin="lower", aspect="auto", cmap="viridis")
    axes.set(
        xlabel=grid.x_name,
        ylabel=grid.y_name,
        title=grid.title,
    )
    _ticks(axes.xaxis, grid.x)
    _ticks(axes.yaxis, grid.y)
    figure.colorbar(image, label=grid.metric)
    with atomic_file(target) as path:
        figure.savefig(
            path,
            format=target.suffix[1:],
            metadata={"Date": None} if target.suffix == ".svg" else None,
        )


def _ticks(axis: Any, values: list[Any]) -> None:
    """Label every place, or so many that they can be read."""
    step = max(1, len(values) // 20)
    places = [*range(0, len(values), step)]
    axis.set_ticks(places, labels=[str(values[k]) for k in places])
