"""Files of a set: pictures written whole or not at all, one line of JSON for each, and what is already there."""
import json
import os
from pathlib import Path

import cv2

from bgmatting.utils.errors import UserError
from bgmatting.utils.files import write_bytes

LINES = "subjects.jsonl"


def finished(folder):
    """Names of subjects whose picture and line are both in ``folder``."""
    folder = Path(folder)
    lines = folder / LINES
    names = set()
    for line in lines.read_text().splitlines() if lines.exists() else ():
        try:
            names.add(json.loads(line)["name"])
        except (ValueError, KeyError):  # a line cut off by a full disk
            continue
    return {name for name in names if (folder / f"{name}.webp").exists()}


def write_subject(folder, name, rgba, about):
    """Write uint8 RGBA (H, W, 4) as lossless WebP and add a line about it; other runs may write beside."""
    folder = Path(folder)
    good, data = cv2.imencode(".webp", cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA), [cv2.IMWRITE_WEBP_QUALITY, 101])
    if not good:
        raise UserError(f"OpenCV could not encode {name}.webp; install opencv-python with WebP.")
    write_bytes(folder / f"{name}.webp", data.tobytes())
    line = json.dumps({"name": name, **about}, separators=(",", ":")) + "\n"
    handle = os.open(folder / LINES, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, line.encode())  # one write to the end of the file: lines of several runs do not mix
    finally:
        os.close(handle)
