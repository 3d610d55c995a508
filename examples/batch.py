"""Matte a folder of photos with one network that stays open, and set them on white.

    python examples/batch.py PHOTOS BACKGROUNDS OUTPUT
"""
import sys

from bgmatting import Matter
from bgmatting.prediction.core import matte_photos

photos, backgrounds, output = sys.argv[1:]
with Matter() as matter:
    report = matte_photos(photos, bgr=backgrounds, output=output, type=("pha", "com"), target_bgr="white", matter=matter,
                          progress=lambda done, total, *_: print(f"{done} of {total}"))
print(report.done, "done")
for name, reason in report.failures:
    print(name, "failed:", reason)
