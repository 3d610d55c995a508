"""Throw damaged photos and videos at predict.py: refused or partly done, with a clear line, in time, in 3 GB, no half files.

    python tests/faults/bad_media.py [--cases 600] [--real 6] [--seed 1] [--folder FOLDER]

The files are made here from drawn pictures: PNG, JPEG, WebP, TIFF of several kinds, BMP, GIF, HEIC, AVIF, what looks like
raw photos (DNG, NEF, CR2, RAF, CR3: whole ones are refused, too), and MP4 (H.264), WebM (VP9), MOV (MJPEG), AVI
(MPEG-4), MKV (FFV1), animated GIF; empty, cut short, with flipped bits, holes and headers, noise under their names, huge
declared sizes, and the suffix of another kind; as src, as bgr, and among others in a folder. A worker process does the
cases around a stand-in network, and is replaced when it dies; --real of them are whole commands with the network.
Ends with a tally; exit code 1 where it is not clean.
"""
import argparse
import itertools
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

PROJECT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(PROJECT), str(Path(__file__).resolve().parent)]

import damage  # noqa: E402  (these lie beside this file)
from watched import MOST, Worker, whole_command  # noqa: E402


class Case(NamedTuple):
    """One command: its folder, the name of the damaged file, its arguments, what it is called, whether it must not pass."""
    folder: Path
    name: str
    argv: list
    title: str
    hopeless: bool


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=600)
    parser.add_argument("--real", type=int, default=6, help="how many of them are whole commands")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where bad cases are kept (default: nowhere)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(0 if clean(args.folder or Path(temporary), args.cases, args.real, args.seed) else 1)


def clean(folder, count, real, seed):
    """Do all cases, print what is bad, and the tally; tells whether nothing was."""
    folder.mkdir(parents=True, exist_ok=True)
    sound = sound_files(folder / "sound", np.random.default_rng(seed))
    worker, tally, most, slowest = Worker(folder / "worker.log"), Counter(), 0.0, 0.0
    for number, case in enumerate(cases(folder, sound, count, seed)):
        started = time.monotonic()
        step = max(count // max(real, 1), 1)
        whole = number % step == 0 and number // step < real
        reply = whole_command(case.argv) if whole else worker.run(case.argv)
        most, slowest = max(most, reply["peak"]), max(slowest, time.monotonic() - started)
        verdict, why = judge(case, reply)
        tally[verdict] += 1
        if verdict == "BAD":
            said = reply["text"] + reply["trace"]
            print(f"{number}: {case.title}: {why}\n    {' '.join(case.argv)}\n    {said}", flush=True)
        else:
            shutil.rmtree(case.folder)
    worker.stop()
    print(f"{count} damaged files, {real} of them with the network: {tally['refused']} refused, "
          f"{tally['part']} done in part "
          f"or with a note, {tally['done']} done (no decoder notices), {tally['BAD']} bad; "
          f"at most {most:.0f} MiB, {slowest:.1f} s", flush=True)
    return tally["BAD"] == 0


def sound_files(folder, rng):
    """{(family, kind, role): bytes} of undamaged files."""
    folder.mkdir(exist_ok=True)
    empty, files = damage.scene(rng), {}
    for kind in damage.PHOTOS:
        if damage.photo(kind, empty) is not None:  # else what writes it is missing
            files["photo", kind, "bgr"] = damage.photo(kind, empty)
            files["photo", kind, "src"] = damage.photo(kind, damage.with_subject(empty))
    for kind in damage.VIDEOS:
        images = [damage.with_subject(empty, index) for index in range(damage.FRAMES)]
        files["video", kind, "bgr"] = damage.video(kind, [empty] * damage.FRAMES, folder / f"bgr.{kind}")
        files["video", kind, "src"] = damage.video(kind, images, folder / f"src.{kind}")
    return files


def cases(folder, sound, count, seed):
    """``count`` cases, in a folder each: all kinds, damages and roles in an order drawn by ``seed``, again and again."""
    rng = np.random.default_rng(seed)
    kinds = [(family, kind, role) for family, kind in dict.fromkeys(key[:2] for key in sound)
             for role in ("src", "bgr", "folder")[:3 if family == "photo" and kind not in damage.RAWS else 2]]
    all_of_them = list(itertools.product(kinds, damage.DAMAGES))
    order = itertools.chain.from_iterable(rng.permutation(len(all_of_them)) for _ in itertools.count())
    for number, choice in enumerate(itertools.islice(order, count)):
        (family, kind, role), how = all_of_them[choice]
        yield make_case(folder / f"{number:04d}", sound, family, kind, role, how, rng)


def make_case(folder, sound, family, kind, role, how, rng):
    """Write the files of a case."""
    folder.mkdir()
    part = "bgr" if role == "bgr" else "src"
    suffix, data = damage.damaged(sound[family, kind, part], family, kind, how, rng)
    name = f"bad.{suffix}"
    place = folder / "photos" if role == "folder" else folder
    place.mkdir(exist_ok=True)
    (place / name).write_bytes(data)
    other = "bgr" if part == "src" else "src"
    partner = "mp4" if family == "video" and part == "bgr" else "png"
    (folder / f"other.{partner}").write_bytes(sound["video" if partner == "mp4" else "photo", partner, other])
    if role == "folder":
        (place / "good.png").write_bytes(sound["photo", "png", "src"])
    paths = {part: place if role == "folder" else place / name, other: folder / f"other.{partner}"}
    argv = ["--src", str(paths["src"]), "--bgr", str(paths["bgr"]), "--output", str(folder / "out")]
    argv += ["--fit", "resize"] if rng.integers(2) else []
    return Case(folder, name, argv, f"{family} {kind} as {role}, {how}",
                how in ("empty", "noise") or (family, how) == ("photo", "truncated")
                or kind in damage.RAWS and how == "renamed")


def judge(case, reply):
    """("refused", "part", "done" or "BAD", why)."""
    lines = reply["text"].splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    left = [path for path in (case.folder / "out").rglob("*") if path.is_file()]
    hidden = [path.name for path in left if path.name.startswith(".")]
    if reply["code"] is None or reply["trace"] or "Traceback" in reply["text"]:
        return "BAD", reply.get("why") or "an exception"
    if reply["peak"] > MOST:
        return "BAD", f"{reply['peak']:.0f} MiB"
    if hidden:
        return "BAD", f"left {hidden}"
    broken = [path.name for path in left if not readable(path)]
    if broken:
        return "BAD", f"{broken} cannot be read"
    if reply["code"] == 2:
        told = len(errors) == 1 and case.name in errors[0] and len(errors[0]) < 700
        return ("part" if left else "refused", "") if told else ("BAD", "no line that names the file")
    if reply["code"] == 1:
        return ("part", "") if left and any(case.name[:3] in line for line in lines) else ("BAD", "a failure without a line")
    if reply["code"] == 0 and case.hopeless:
        return "BAD", "taken for whole"
    if reply["code"] == 0 and left:
        told = any(line.startswith(("note", "warning")) for line in lines)
        return "part" if told else "done", ""
    return "BAD", f"exit code {reply['code']} with {len(left)} files"


def readable(path):
    """Whether a result can be read to its end."""
    if path.suffix == ".png":
        from PIL import Image
        Image.MAX_IMAGE_PIXELS = None  # of 180 megapixels, as the headers of some cases say
        try:
            Image.open(path).load()
            return True
        except (OSError, SyntaxError):
            return False
    import av
    try:
        with av.open(str(path)) as container:
            return sum(1 for _ in container.decode(video=0)) > 0
    except av.error.FFmpegError:
        return False


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
