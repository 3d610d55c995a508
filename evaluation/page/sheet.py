"""The main image of an evaluation: means as bars, and the best, the median and the worst case below."""
from __future__ import annotations

import cv2
import numpy as np

from bgmatting.evaluation.page.cases import extremes, fit, leading, panels, ranked
from bgmatting.evaluation.page.document import mean_intervals
from bgmatting.evaluation.page.load import Results
from bgmatting.evaluation.page.statistics import LEVEL
from bgmatting.media.sheet import INK, write_fine_text

WIDTH = 1600
MARGIN, GAP = 24, 8
LIMIT = 2 * 2 ** 20    # bytes of the file
METHODS = 3            # whose mattes are shown
SOFT, LINE, PAPER = (100, 106, 114), (222, 225, 229), (255, 255, 255)
COLOURS = ((11, 98, 168), (214, 102, 28), (11, 122, 83), (160, 60, 120), (122, 106, 0), (75, 79, 158))


def draw_sheet(results: Results) -> np.ndarray:
    """The image, uint8 RGB (H, 1600, 3).

    ``results``: ``load.Results``; without kept images only the bars are drawn.
    """
    parts = [_heading(results), _bars(results)]
    order = ranked(results)
    if order:
        _, metric = leading(results)
        column = results.columns[metric]
        best, worst = extremes(order, 1)
        chosen = {"best": best[0], "median": order[(len(order) - 1) // 2], "worst": (worst or best)[0]}
        shown_methods = list(results.errors)[:METHODS]
        rows = [[image for _, image in panels(_only(results, index, shown_methods), shown_methods)]
                for index in dict.fromkeys(chosen.values())]
        if len(chosen) > len(set(chosen.values())):  # one or two images: no word fits them all
            chosen = {results.names[index]: index for index in chosen.values()}
        labels = [(word, {method: column.text(float(results.errors[method][metric][index])) for method in shown_methods})
                  for word, index in chosen.items()]
        captions = [caption for caption, _ in panels(_only(results, order[0], shown_methods), shown_methods)]
        parts += _case_rows(rows, labels, captions, column.title)
    return np.vstack(parts + [_paper(MARGIN)])


def encode(image: np.ndarray, limit: int = LIMIT) -> bytes:
    """The image as PNG bytes, made smaller step by step until the file is no larger than ``limit`` bytes."""
    while True:
        _, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), (cv2.IMWRITE_PNG_COMPRESSION, 9))
        if len(data) <= limit or min(image.shape[:2]) < 64:
            return data.tobytes()
        image = fit(image, image.shape[1] * 0.85, image.shape[0])


def _paper(height):
    return np.full((height, WIDTH, 3), PAPER, np.uint8)


def _heading(results):
    image, facts, count = _paper(84), results.runs[0][1], len(results.names)
    dataset = facts.get("dataset")
    dataset = dataset if isinstance(dataset, str) else results.runs[0][0]
    sample = " (generated sample data)" if facts.get("sample_data") else ""
    write_fine_text(image, f"{dataset}{sample}, {count} image{'s' * (count != 1)}", MARGIN, 48, 26, bold=True)
    write_fine_text(image, f"mean errors with {LEVEL * 100:.0f} % bootstrap interval; lower is better", MARGIN, 76, 16, SOFT)
    return image


def _bars(results):
    intervals, count = mean_intervals(results), len(results.columns)
    image = _paper(34 + 46 * len(results.errors) + 10)
    width = (WIDTH - 2 * MARGIN + GAP) // count
    for place, (metric, column) in enumerate(results.columns.items()):
        left, right = MARGIN + place * width, MARGIN + (place + 1) * width - 3 * GAP
        write_fine_text(image, column.title, left, 24, 18, bold=True)
        own = {method: means[metric] for method, means in intervals.items()}
        reach = max((interval.mean if interval.high is None else interval.high for interval in own.values()
                     if interval is not None), default=0)
        for row, (method, interval) in enumerate(own.items()):
            _bar(image, (left, right, 34 + 46 * row), method, column, interval, reach or 1.0, COLOURS[row % len(COLOURS)])
    return image


def _bar(image, place, method, column, interval, reach, colour):
    left, right, top = place
    write_fine_text(image, method, left, top + 16, 14, SOFT)
    if interval is None:
        write_fine_text(image, "-", right, top + 16, 14, SOFT, "right")
        return
    write_fine_text(image, column.text(interval.mean), right, top + 16, 16, INK, "right")
    x = [int(left + (right - left - 2) * max(value, 0) / reach) if value is not None else None for value in interval]
    cv2.rectangle(image, (left, top + 23), (right, top + 37), (240, 242, 244), -1)
    cv2.rectangle(image, (left, top + 23), (max(x[0], left), top + 37), colour, -1)
    if x[1] is not None:
        cv2.line(image, (x[1], top + 30), (x[2], top + 30), INK, 2)
        for end in x[1:]:
            cv2.line(image, (end, top + 26), (end, top + 34), INK, 2)


def _only(results, index, methods):
    case = results.pictures[results.names[index]]
    return {**case, "pred": {method: case["pred"].get(method) for method in methods}}


def _case_rows(rows, labels, captions, metric):
    width = (WIDTH - 2 * MARGIN + GAP) // len(captions) - GAP
    head = _paper(52)
    cv2.line(head, (MARGIN, 8), (WIDTH - MARGIN, 8), LINE, 1)
    for column, caption in enumerate(captions):
        write_fine_text(head, caption, MARGIN + column * (width + GAP), 42, 15 if len(caption) < 22 else 12, SOFT)
    parts = [head]
    for images, (word, values) in zip(rows, labels):
        small = [None if image is None else fit(image, width, width * 1.25, True) for image in images]
        height = max((image.shape[0] for image in small if image is not None), default=40)
        row = _paper(height + 34)
        for column, image in enumerate(small):
            left = MARGIN + column * (width + GAP)
            if image is None:
                cv2.rectangle(row, (left, 0), (left + width, height - 1), LINE, 1)
            else:
                row[:image.shape[0], left:left + image.shape[1]] = image if image.ndim == 3 else image[..., None]
            if captions[column] in values:
                write_fine_text(row, f"{metric} {values[captions[column]]}", left, height + 22, 15)
        write_fine_text(row, word, MARGIN, height + 22, 15, bold=True)
        parts.append(row)
    return parts
