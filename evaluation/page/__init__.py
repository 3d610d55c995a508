"""The results page: what an evaluation found, as one HTML file and one image.

    python -m bgmatting page log/eval                    # log/eval/index.html and log/eval/sheet.png
    python -m bgmatting page log/eval_a log/eval_b       # both compared on the same images, in log/compare
"""
from bgmatting.evaluation.page.write import write_page

__all__ = ["write_page"]
