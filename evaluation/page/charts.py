"""Charts as inline SVG: errors of each image per method, and differences between two methods."""
from __future__ import annotations

import math
from collections.abc import Callable
from html import escape

import numpy as np

from bgmatting.evaluation.protocols import Column

WIDTH = 420        # units of the drawing; the page scales it
LEFT, RIGHT = 12, 12
ROW = 58
LOG_FROM = 50      # ratio of the largest to the smallest value from which the axis is logarithmic


def strip_chart(column: Column, names: list[str], errors: dict[str, np.ndarray], intervals: dict) -> str:
    """Every image as a dot, a row per method: the box holds the middle half, its line is the median, and the
    diamond is the mean with its interval.

    Args:
        errors: {method: float (n,)}, NaN where there is no value.
        intervals: {method: ``statistics.Interval`` or None}.
    Returns SVG text; '' where no method has a value.
    """
    finite = np.concatenate([values[np.isfinite(values)] for values in errors.values()]) * column.times
    if len(finite) == 0:
        return ""
    place, marks, log = axis(finite.min(), finite.max())
    parts = [f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="22" y2="{22 + ROW * len(errors)}"/>'
             f'<text class="tick" x="{x:.1f}" y="{36 + ROW * len(errors)}" text-anchor="middle">{text}</text>'
             for x, text in marks]
    for row, (method, values) in enumerate(errors.items()):
        parts.append(_strip(row, method, column, names, values, place, intervals[method]))
    scale = " (logarithmic axis)" if log else ""
    label = escape(f"{column.title} of each image{scale}; lower is better")
    return (f'<figure><svg viewBox="0 0 {WIDTH} {44 + ROW * len(errors)}" role="img" aria-label="{label}">'
            f'<text class="head" x="{LEFT}" y="13">{escape(column.title)}{scale}</text>{"".join(parts)}</svg></figure>')


def difference_chart(column: Column, names: list[str], difference: np.ndarray, other: str, first: str) -> str:
    """A bar for each image, other - first, sorted: below the line the other method is better.

    Args:
        difference: float (n,), NaN where there is none.
        other, first: words of the methods.
    Returns SVG text; '' where there is no value.
    """
    order = [index for index in np.argsort(difference, kind="stable") if np.isfinite(difference[index])]
    if not order:
        return ""
    reach = max(abs(float(difference[index])) for index in order) or 1.0
    middle, half, step = 84, 58, (WIDTH - LEFT - RIGHT) / len(order)
    bars = []
    for rank, index in enumerate(order):
        value = float(difference[index])
        height = abs(value) / reach * half
        bars.append(f'<rect class="{"gain" if value < 0 else "loss"}" x="{LEFT + rank * step:.2f}" '
                    f'y="{middle if value < 0 else middle - height:.2f}" width="{max(step * 0.86, 0.4):.2f}" '
                    f'height="{height:.2f}"><title>{escape(names[index])}: {column.text(value, sign=True)}</title></rect>')
    label = escape(f"{column.title}: {other} minus {first}, each image")
    return (f'<figure><svg viewBox="0 0 {WIDTH} 150" role="img" aria-label="{label}">'
            f'<text class="head" x="{LEFT}" y="13">{escape(column.title)}</text>'
            f'<text class="tick" x="{WIDTH - RIGHT}" y="13" text-anchor="end">full height {column.text(reach)}</text>'
            f'{"".join(bars)}<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{middle}" y2="{middle}"/>'
            "</svg></figure>")


def axis(low: float, high: float) -> tuple[Callable, list[tuple[float, str]], bool]:
    """Return where values lie on the drawing.

    ``low``, ``high``: of the values, in the units of the tables.
    Returns (place, marks, log): place(value) -> x; marks [(x, text)]; whether the axis is logarithmic.
    """
    log = low > 0 and high / low >= LOG_FROM
    if log:
        start, end = math.log10(low), math.log10(high)
        steps = [factor * 10.0 ** power for power in range(math.floor(start), math.ceil(end) + 1)
                 for factor in ((1,) if end - start > 4 else (1, 3))]
    else:
        start, end = min(low, 0.0), high
        steps = nice_steps(start, end)
    if start == end:
        end = start + 1

    def place(value):
        value = math.log10(value) if log else value
        return LEFT + 6 + (value - start) / (end - start) * (WIDTH - LEFT - RIGHT - 12)

    marks = [(place(step), f"{step:g}") for step in steps if step > 0 or not log]
    return place, [(x, text) for x, text in marks if LEFT <= x <= WIDTH - RIGHT], log


def nice_steps(start: float, end: float) -> list[float]:
    """Round numbers, about five of them, from ``start`` to ``end``."""
    rough = (end - start or 1.0) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999)
    first, last = math.ceil(start / step - 1e-9), math.floor(end / step + 1e-9)
    return [float(f"{number * step:.10g}") for number in range(first, last + 1)]


def _strip(row, method, column, names, values, place, interval):
    times = column.times
    top, middle = 22 + ROW * row, 22 + ROW * row + 36
    parts = [f'<text class="row" x="{LEFT}" y="{top + 14}">{escape(method)}</text>']
    known = [index for index in range(len(values)) if np.isfinite(values[index])]
    if not known:
        return parts[0]
    low, median, high = (place(value) for value in np.quantile(values[known] * times, (0.25, 0.5, 0.75)))
    parts.append(f'<rect class="box" x="{low:.1f}" y="{middle - 13}" width="{max(high - low, 0.5):.1f}" height="26"/>'
                 f'<line class="median" x1="{median:.1f}" x2="{median:.1f}" y1="{middle - 13}" y2="{middle + 13}"/>')
    for index in known:
        y = middle + (index * 0.618034 % 1 - 0.5) * 20  # spread evenly, the same every time
        parts.append(f'<circle class="m{row % 6}" cx="{place(values[index] * times):.1f}" cy="{y:.1f}" r="3">'
                     f'<title>{escape(names[index])}: {column.text(float(values[index]))}</title></circle>')
    if interval is not None:
        x = place(interval.mean * times)
        if interval.low is not None:
            ends = [place(max(end * times, 1e-12)) for end in (interval.low, interval.high)]
            parts.append(f'<line class="mean" x1="{ends[0]:.1f}" x2="{ends[1]:.1f}" y1="{middle}" y2="{middle}"/>')
        parts.append(f'<path class="diamond" d="M{x:.1f} {middle - 6}l5 6l-5 6l-5 -6z"><title>mean '
                     f'{column.text(interval.mean)}</title></path>')
    return f'<g>{"".join(parts)}</g>'
