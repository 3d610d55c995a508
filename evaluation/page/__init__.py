"""The results page: what an evaluation found, as one HTML file and one picture.

    python -m evaluation.page log/eval                    # log/eval/index.html and log/eval/sheet.png
    python -m evaluation.page log/eval_a log/eval_b       # both compared on the same pictures, in log/compare
"""
from evaluation.page.write import write_page

__all__ = ["write_page"]
