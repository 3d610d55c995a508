"""Videos with every kind of wrong time stamps: frames in = frames out, and sound and picture within 40 ms at every frame.

    python tests/faults/bad_times.py [--only WORD] [--folder FOLDER]

The clips are made here; their pictures and beeps tell their true time. Each is read and written as MP4, MOV and WebM, and
measured as PyAV reads the files. Prints a line per file and a tally; exit code 1 where one is out of bounds.
"""
import argparse
import random
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bgmatting.media.video.reader import open_video  # noqa: E402
from bgmatting.media.video.writer import open_writer  # noqa: E402
from tests.faults import stamps  # noqa: E402
from tests.media.video.clips import RATE, picture  # noqa: E402

MOST = 0.040  # seconds
SECOND, FRAME = 90000, 3600
VARIABLE = [sum(20 + 37 * (step * 7 % 5) for step in range(index)) for index in range(50)]  # ms

# Name -> (kind, number, stamp) -> stamp; "v" is the picture, "a" the sound; 1/90000 s in MPEG-TS, ms in Matroska.
TS = {
    "plain": lambda kind, number, pts: pts,
    "start one second before the wrap": lambda kind, number, pts: pts - 126000 + stamps.WRAP - SECOND,
    "start one frame before the wrap": lambda kind, number, pts: pts - 126000 + stamps.WRAP - FRAME,
    "start at ten hours": lambda kind, number, pts: pts + 36000 * SECOND,
    "both jump 1000 s ahead": lambda kind, number, pts: pts + 1000 * SECOND * (pts > 3 * SECOND // 2 + SECOND),
    "both jump back by 1.2 s": lambda kind, number, pts: pts - 108000 * (pts >= 5 * SECOND // 2),
    "one picture 30 s late": lambda kind, number, pts: pts + 30 * SECOND * (kind == "v" and number == 20),
    "one picture 2 s early": lambda kind, number, pts: pts - 2 * SECOND * (kind == "v" and number == 20),
    "one picture 3 s late": lambda kind, number, pts: pts + 3 * SECOND * (kind == "v" and number == 20),
    "every tenth shares the time of the one before": lambda kind, number, pts:
        pts - FRAME * (kind == "v" and number % 10 == 9),
}
MKV = {
    "every tenth repeats": lambda kind, number, ms: ms - 40 * (kind == "v" and number % 10 == 9),
    "all in pairs": lambda kind, number, ms: ms - 40 * (number % 2) if kind == "v" else ms,
    "runs of five": lambda kind, number, ms: ms - 40 * (number % 5) if kind == "v" else ms,
    "negative start": lambda kind, number, ms: ms - 600,
    "jitter of 15 ms": lambda kind, number, ms: ms + (random.Random(number).randint(-15, 15) if kind == "v" else 0),
    "neighbours exchanged": lambda kind, number, ms: ms + 45 * (kind == "v" and number % 12 == 5),
    "one picture 20 s late": lambda kind, number, ms: ms + 20000 * (kind == "v" and number == 20),
    "one picture at zero": lambda kind, number, ms: 0 if kind == "v" and number == 20 else ms,
    "the first two equal": lambda kind, number, ms: ms - 40 * (kind == "v" and number == 1),
    "the last three equal": lambda kind, number, ms: ms - 40 * (number - 47) if kind == "v" and number > 47 else ms,
    "sound repeats": lambda kind, number, ms: ms - 21 * (kind == "a" and number % 10 == 9),
}

MPEG2 = {"codec": "mpeg2video", "sound": "mp2"}
JOINED = ((".ts", "TS", {}), (".mpg", "MPG", MPEG2), (".ts", "TS, sound ends early", {"mute": 8}),
          (".mpg", "MPG, sound ends early", {**MPEG2, "mute": 8}), (".ts", "TS with B frames", {"options": {"bf": "3"}}),
          (".mpg", "MPG with B frames", {**MPEG2, "options": {"bf": "2", "b": "3000000"}}))


def cases(folder):
    """Yield (name, path, true times of the pictures or None for 25 per second)."""
    stamps.make(folder / "a.ts")
    whole = (folder / "a.ts").read_bytes()
    for number, (name, change) in enumerate(TS.items()):
        yield f"TS: {name}", _file(folder / f"ts{number}.ts", stamps.restamp_ts(whole, change)), None
    for number, (suffix, name, facts) in enumerate(JOINED):
        parts = []
        for part in range(3):
            stamps.make(folder / f"part{suffix}", 50, 50 * part, **facts)
            parts.append((folder / f"part{suffix}").read_bytes())
        yield f"{name}: three joined", _file(folder / f"joined{number}{suffix}", b"".join(parts)), None
    stamps.make(folder / "a.mkv")
    whole = (folder / "a.mkv").read_bytes()
    for number, (name, change) in enumerate(MKV.items()):
        yield f"MKV: {name}", _file(folder / f"mkv{number}.mkv", stamps.restamp_mkv(whole, change)), None
    stamps.make(folder / "bare.avi", codec="mpeg4", sound="mp2", options={"bf": "2", "b": "3000000"})
    yield "AVI: no presentation times", folder / "bare.avi", None
    stamps.make(folder / "variable.mkv", times=VARIABLE)
    yield "MKV: variable rate, as it is", folder / "variable.mkv", [ms / 1000 for ms in VARIABLE]


def _file(path, data):
    path.write_bytes(data)
    return path


def copied(source, target):
    """Read and write; the number of frames handed on."""
    with open_video(source) as reader:
        writer = open_writer(target, reader.info, audio=reader.audio)
        reader.want_samples(writer.needs_samples)
        for frame in reader.items():
            writer.write(frame.image, frame.pts, frame.duration, frame.audio)
        writer.close()
    return writer


def judged(path, count, truth):
    """(worst drift in seconds, what is wrong or "") of a written file whose source has ``count`` pictures."""
    times, images, heard = stamps.measured(path)
    truth = truth or [index / RATE for index in range(count)]
    if len(times) != count:
        return 0.0, f"{len(times)} of {count} frames"
    if any(a >= b for a, b in zip(times, times[1:])) or times[0] < 0:
        return 0.0, "times do not rise"
    off = [np.abs(image.astype(int) - picture(index)).mean() for index, image in enumerate(images)]
    if max(off) > 12:
        return 0.0, f"frame {int(np.argmax(off))} is another one"
    beeps = np.arange(0, count / RATE - 0.01, stamps.BEEP)
    if len(heard) != len(beeps):
        return 0.0, f"{len(heard)} of {len(beeps)} beeps"
    late = np.array(heard) - beeps
    drift = [time - true - late[beeps <= true + 0.001][-1] for time, true in zip(times, truth)]  # the beep before it
    worst = max(drift, key=abs)
    return worst, "drifts" if abs(worst) > MOST else ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="kinds with this word in their name")
    parser.add_argument("--folder", type=Path, help="where the files are kept (default: nowhere)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        kinds, done, bad, worst = 0, 0, 0, 0.0
        for name, path, truth in cases(folder):
            if args.only not in name:
                continue
            kinds += 1
            for suffix in (".mp4", ".mov", ".webm"):
                target = folder / f"{path.stem}_{path.suffix[1:]}_out{suffix}"
                copied(path, target)
                drift, wrong = judged(target, 150 if "joined" in name else 50, truth)
                done, bad, worst = done + 1, bad + bool(wrong), max(worst, abs(drift))
                print(f"{name} -> {suffix}: {1000 * drift:+.0f} ms {wrong.upper()}".rstrip(), flush=True)
    print(f"{kinds} kinds of time stamps, {done} files: {bad} wrong, worst drift {1000 * worst:.0f} ms")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
