"""The results page as one HTML file: no network, no other files, works from a disk.

Every word that comes from outside (file names, settings, commands) is escaped, and the page's own policy forbids all
scripts but the one that it is made with.
"""
from __future__ import annotations

import base64
import hashlib
from html import escape
from pathlib import Path

import numpy as np

from bgmatting.evaluation.page.cases import data_uri, extremes, fit, leading, panels, ranked
from bgmatting.evaluation.page.charts import difference_chart, strip_chart
from bgmatting.evaluation.page.load import Results
from bgmatting.evaluation.page.statistics import LEVEL, RESAMPLES, compare_all, mean_interval, sentence
from bgmatting.evaluation.page.tables import comparison_table, facts_list, picture_table, summary_table

CASES = 3           # best and worst ones each
CASE_PIXELS = 560   # longest side of an embedded image
HERE = Path(__file__).parent


def render(results: Results) -> str:
    """The whole page as text."""
    style = (HERE / "page.css").read_text(encoding="utf-8")
    script = (HERE / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    heading = escape(_heading(results))
    intervals = mean_intervals(results)
    body = "\n".join((_top(results, heading), _summary(results, intervals), _comparisons(results),
                      _distributions(results, intervals), _cases(results), _pictures(results), _settings(results)))
    return (f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            '<meta name="color-scheme" content="light dark">\n'
            f"<title>{heading}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>\n{body}\n</main>\n"
            '<dialog id="large"><form method="dialog"><button aria-label="close">close</button></form>'
            '<img alt=""><p></p></dialog>\n'
            f"<script>{script}</script>\n</body>\n</html>\n")


def mean_intervals(results: Results) -> dict[str, dict]:
    """{method: {metric: ``Interval`` or None where there is no value}}"""
    intervals = {}
    for method, errors in results.errors.items():
        intervals[method] = {metric: _interval(values, results.groups) for metric, values in errors.items()}
    return intervals


def _interval(values, groups):
    known = np.isfinite(values)
    groups = None if groups is None else np.asarray(groups)[known]
    return mean_interval(values[known], groups) if known.any() else None


def _heading(results):
    dataset = results.runs[0][1].get("dataset")
    return f"Matting results: {dataset if isinstance(dataset, str) else results.runs[0][0]}"


def _top(results, heading):
    count = len(results.names)
    parts = [f"{count} image{'s' * (count != 1)}, {len(results.errors)} method{'s' * (len(results.errors) != 1)}"]
    for label, facts in results.runs:
        date = facts.get("date")
        parts.append(f"{label if len(results.runs) > 1 else 'evaluated'} {date}" if isinstance(date, str) else label)
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in results.notes)
    return f"<h1>{heading}</h1>\n<p>{escape('; '.join(parts))}</p>\n{notes}"


def _summary(results, intervals):
    meaning = "".join(f"<dt>{escape(column.title)}</dt><dd>{escape(column.unit)}</dd>"
                      for column in results.columns.values() if column.unit)
    return (f"<section><h2>Means</h2>\n{summary_table(results, intervals)}\n"
            f'<p class="small">Mean error over the images and its {LEVEL:.0%} interval (bootstrap over images, BCa, '
            f"{RESAMPLES:,} resamples); lower is better, the lowest of a column is bold. The interval tells how far the "
            f"mean would move with other images of this kind.</p>\n<dl class=\"facts\">{meaning}</dl></section>")


def _comparisons(results):
    comparisons, first = compare_all(results), next(iter(results.errors))
    if not comparisons:
        return ""
    parts = []
    for other in dict.fromkeys(comparison.method for comparison in comparisons):
        own = [comparison for comparison in comparisons if comparison.method == other]
        words = "".join(f"<li>{escape(sentence(comparison, first))}</li>" for comparison in own)
        charts = "".join(difference_chart(comparison.column, results.names, results.errors[other][comparison.metric]
                                          - results.errors[first][comparison.metric], other, first) for comparison in own)
        parts.append(f"<h3>{escape(other)} against {escape(first)}</h3>\n<ul>{words}</ul>\n"
                     f"{comparison_table(own, first)}\n<details open><summary>Differences of each image</summary>"
                     f'<div class="charts">{charts}</div><p class="small">Each bar is one picture: {escape(other)} '
                     f"minus {escape(first)}. Below the line {escape(other)} is better.</p></details>")
    return (f"<section><h2>Comparison with {escape(first)}</h2>\n{''.join(parts)}\n"
            '<p class="small">Both methods saw the same images, so differences are taken image by image: '
            f"interval of the mean difference as above, and Wilcoxon's signed-rank test (two-sided, with Holm's "
            f"correction for the {len(comparisons)} tests of this page).</p></section>")


def _distributions(results, intervals):
    charts = [strip_chart(column, results.names, {method: errors[metric] for method, errors in results.errors.items()},
                          {method: means[metric] for method, means in intervals.items()})
              for metric, column in results.columns.items()]
    return (f'<section><h2>Distribution</h2>\n<div class="charts">{"".join(charts)}</div>\n<p class="small">A dot is a '
            "picture; the box holds the middle half, the line in it is the median, the diamond the mean with its "
            "interval. Point at a dot for its name.</p></section>")


def _cases(results):
    order = ranked(results)
    if not order:
        return "<section><h2>Best and worst</h2><p>No images were kept with this evaluation.</p></section>"
    method, metric = leading(results)
    best, worst = extremes(order, CASES)
    groups = "".join(f"<h3>{word}</h3>\n{''.join(_case(results, index, metric) for index in chosen)}"
                     for word, chosen in (("Worst", worst), ("Best", best)) if chosen)
    kept = "" if len(order) == len(results.names) else f" Images of {len(order)} of {len(results.names)} were kept."
    chosen_by = f"{escape(results.columns[metric].title)} of {escape(method)}"
    return (f"<section><h2>Best and worst</h2>\n<p>By {chosen_by}.{kept} Error maps: black is right, yellow is off by "
            "half of the range or more; gray lies outside the unknown region, where "
            f"no error is counted. Press an image to see it larger.</p>\n{groups}</section>")


def _case(results, index, metric):
    name, figures = results.names[index], []
    for caption, image in panels(results.pictures[name], results.errors):
        inner = '<span class="gap">no image</span>'
        if image is not None:
            small = fit(image, CASE_PIXELS, CASE_PIXELS)
            inner = (f'<button class="zoom"><img src="{data_uri(small)}" width="{small.shape[1]}" '
                     f'height="{small.shape[0]}" alt="{escape(f"{caption}, {name}")}"></button>')
        value = results.errors[caption][metric][index] if caption in results.errors else None
        number = "" if value is None else f" <b>{results.columns[metric].text(float(value))}</b>"
        figures.append(f"<figure>{inner}<figcaption>{escape(caption)}{number}</figcaption></figure>")
    return f'<article><h4>{escape(name)}</h4><div class="case">{"".join(figures)}</div></article>\n'


def _pictures(results):
    return (f"<section><h2>Each image</h2>\n<p class=\"small\">Press a heading to sort by it, again to turn the order "
            f"round.</p>\n{picture_table(results)}</section>")


def _settings(results):
    parts = []
    for label, facts in results.runs:
        if len(results.runs) > 1:
            parts.append(f"<h3>{escape(label)}</h3>")
        apart = ("protocol", "versions") if any(results.settings.values()) else ("protocol", "settings", "versions")
        rest = {key: value for key, value in facts.items() if key not in (*apart, "units", "settings")}
        parts.append(facts_list({"command": rest.pop("command", None), **rest}))
        parts += [f"<h4>{key}</h4>{facts_list(facts[key])}" for key in apart
                  if isinstance(facts.get(key), dict) and facts[key]]
    parts += [f"<h4>settings of {escape(method)}</h4>{facts_list(settings)}"
              for method, settings in results.settings.items() if settings]
    return f"<section><h2>How it was measured</h2>\n{''.join(parts)}</section>"
