"""The tables of the results page."""
from __future__ import annotations

from html import escape

import numpy as np

from bgmatting.evaluation.page.load import Results
from bgmatting.evaluation.page.statistics import Comparison


def summary_table(results: Results, intervals: dict) -> str:
    """A row per method, a column per metric: mean and interval; the lowest mean of a column is bold.

    Where methods were given different images, a column says which. Figures that others have published follow, as theirs.
    """
    given = {method: str(settings.get("given") or "-") for method, settings in results.settings.items()}
    told = len(set(given.values())) > 1
    head = "".join(f'<th scope="col">{escape(column.title)}</th>' for column in results.columns.values())
    lowest = {metric: min((means[metric].mean for means in intervals.values() if means[metric] is not None), default=None)
              for metric in results.columns}
    rows = []
    for method, means in intervals.items():
        cells = "".join(_mean_cell(column, means[metric], lowest[metric], len(intervals) > 1,
                                   results.errors[method][metric]) for metric, column in results.columns.items())
        rows.append(f'<tr><th scope="row">{escape(method)}</th>{_given_cell(given.get(method, "-"), told)}{cells}</tr>')
    rows += [_published_row(name, values, results.columns, told) for name, values in results.published.items()]
    column = '<th scope="col">given</th>' if told else ""
    return _table("Mean errors", f'<tr><th scope="col">method</th>{column}{head}</tr>', rows)


def _given_cell(given, told):
    return f"<td>{escape(given)}</td>" if told else ""


def _published_row(name, values, columns, told):
    cells = "".join(f"<td>{column.text(values.get(metric))}</td>" for metric, column in columns.items())
    return (f'<tr class="published"><th scope="row">{escape(name)} '
            f'<small>published by others, not measured here</small></th>{_given_cell("-", told)}{cells}</tr>')


def comparison_table(comparisons: list[Comparison], first: str) -> str:
    """A row per metric: mean difference to ``first``, its interval, images better and worse, p."""
    rows = []
    for one in comparisons:
        paired, text = one.paired, one.column.text
        between = "-" if paired.low is None else f"{text(paired.low, True)} to {text(paired.high, True)}"
        cells = (text(paired.mean, True), between, paired.better, paired.worse, paired.equal,
                 _p(paired.p), _p(one.p))
        rows.append(f'<tr><th scope="row">{escape(one.column.title)}</th>'
                    + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    words = ("metric", "mean difference", "95 % interval", "images better", "worse", "equal", "p", "p, Holm")
    head = "".join(f'<th scope="col">{word}</th>' for word in words)
    return _table(f"Differences to {first}", f"<tr>{head}</tr>", rows)


def picture_table(results: Results) -> str:
    """A row per image, a column per metric and method, that the page's script sorts."""
    columns = [(metric, method) for metric in results.columns for method in results.errors]
    several = len(results.errors) > 1
    head = _sort_head("image", "", "text") + "".join(
        _sort_head(results.columns[metric].title, method if several else "", "number") for metric, method in columns)
    rows = []
    for index, name in enumerate(results.names):
        cells = "".join(_value_cell(results.columns[metric], float(results.errors[method][metric][index]))
                        for metric, method in columns)
        rows.append(f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>')
    return _table("Errors of each image", f"<tr>{head}</tr>", rows, "sortable")


def facts_list(facts: dict) -> str:
    """A dict as a definition list; dicts inside are written as 'outer.inner'; None and empty values are left out."""
    rows = "".join(f"<dt>{escape(key)}</dt><dd>{escape(text)}</dd>" for key, text in _flat(facts))
    return f'<dl class="facts">{rows}</dl>'


def _flat(facts, prefix=""):
    for key, value in facts.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        elif isinstance(value, (list, tuple)):
            yield f"{prefix}{key}", " ".join(map(str, value))
        elif value is not None and value != "":
            yield f"{prefix}{key}", str(value)


def _table(caption, head, rows, kind=""):
    return (f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table class="{kind}">'
            f'<caption>{escape(caption)}</caption><thead>{head}</thead><tbody>\n' + "\n".join(rows)
            + "\n</tbody></table></div>")


def _sort_head(text, under, kind):
    under = f"<small>{escape(under)}</small>" if under else ""
    return f'<th scope="col" aria-sort="none"><button data-kind="{kind}">{escape(text)}{under}</button></th>'


def _mean_cell(column, interval, lowest, several, values):
    if interval is None:
        return "<td>-</td>"
    text = column.text(interval.mean)
    text = f"<b>{text}</b>" if several and interval.mean == lowest else text
    between = ""
    if interval.low is not None:
        between = f"<small>{column.text(interval.low)} to {column.text(interval.high)}</small>"
    known = int(np.isfinite(values).sum())
    fewer = "" if known == len(values) else f"<small>{known} of {len(values)} images</small>"
    return f"<td>{text}{between}{fewer}</td>"


def _value_cell(column, value):
    if not np.isfinite(value):
        return '<td data-value="">-</td>'
    return f'<td data-value="{value * column.times!r}">{column.text(value)}</td>'


def _p(value):
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}" if value < 0.01 else f"{value:.3f}"
