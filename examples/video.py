"""Set the subject of a video, whose first second is empty, on another background.

    python examples/video.py CLIP BACKGROUND OUTPUT
"""
import sys

from bgmatting.prediction.core import matte_video

clip, background, output = sys.argv[1:]
report = matte_video(clip, bgr="first:25", target_bgr=background, type="com", temporal="auto", output=output)
print(f"{report.done} frames, {report.fps:.1f} a second:", *report.files.values())
for note in report.notes:
    print("note:", note)
