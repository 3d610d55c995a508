"""Cut the subject out of one photo.

    python examples/simple.py [SRC BGR OUTPUT.png]
"""
import sys

from PIL import Image

from bgmatting import Matter

src, bgr, output = sys.argv[1:] or ("image/sample/src.jpg", "image/sample/bgr.jpg", "cutout.png")
with Matter() as matter:                                  # the starter weights, on the fastest engine that is installed
    matte = matter.predict(src, bgr, want=("pha", "fgr"), dtype="uint8")
cutout = Image.fromarray(matte.fgr)                       # the subject's own colours, (H, W, 3)
cutout.putalpha(Image.fromarray(matte.pha))               # transparency, (H, W)
cutout.save(output)
print("wrote", output)
