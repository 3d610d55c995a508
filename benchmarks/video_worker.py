"""One turn of ``benchmarks.video`` in a process of its own: a whole video, or its stages one by one."""
from __future__ import annotations

import json
import sys
import time

from bgmatting.benchmarks.turns import peak_memory, process_start


def whole(work: dict, begun: float) -> dict:
    """Matte a video as predict.py does: {"frames", "size", "fps", "cpu", "start", "memory"}.

    fps counts from the first finished frame to the end of the last file, cpu is processor seconds a frame of the same time,
    start the seconds from the process's beginning to that first frame.
    """
    from bgmatting.prediction.backdrop import open_backdrop
    from bgmatting.prediction.video.pipeline import VideoJob, matte_frames
    marks = []
    with open_backdrop("#78ff9b") as backdrop:
        job = VideoJob(work["src"], _outputs(work), work["bgr"], backdrop=backdrop)
        report = matte_frames(lambda: _matter(work), job,
                              lambda *_: marks.append((time.time(), time.process_time())))
    ended, cpu = time.time(), time.process_time()
    (first, first_cpu), frames = marks[0], report.done - 1
    return {"frames": report.done, "size": _size(work["src"]), "fps": frames / (ended - first),
            "cpu": (cpu - first_cpu) / frames, "start": first - begun, "memory": peak_memory()}


def stages(work: dict) -> dict[str, float]:
    """Milliseconds a frame of each stage alone, over at most ``work["stages"]`` frames after one for warming up."""
    from bgmatting.media.video.reader import open_video
    from bgmatting.media.video.writer import open_writer
    from bgmatting.prediction.backdrop import open_backdrop
    from bgmatting.prediction.rendering import GRAY, rendered
    from bgmatting.prediction.video.empty_scene import open_scene
    count, outputs = work["stages"], _outputs(work)
    with open_video(work["src"]) as reader, open_backdrop("#78ff9b") as backdrop:
        scene, matter = open_scene(work["bgr"], work["src"], reader.info), _matter(work)
        writers = {kind: open_writer(path, reader.info, False, None, kind in GRAY) for kind, path in outputs.items()}
        frames, took = iter(reader), {}
        decoded, took["decoding"] = _timed(count, lambda index: next(frames, None))
        decoded = [(index, frame) for index, frame in enumerate(decoded) if frame is not None]
        mattes, took["matting"] = _timed(len(decoded) - 1, lambda index: matter.predict(
            decoded[index][1].image, scene.frame(index), ("pha", "fgr")))
        pictures, took["compositing"] = _timed(len(decoded) - 1, lambda index: rendered(
            mattes[index], outputs, 8, backdrop.frame(index, decoded[index][1].image, scene.frame(index))))

        def write(index):
            for kind, writer in writers.items():
                writer.write(pictures[index][kind], decoded[index][1].pts, decoded[index][1].duration)
            if index == len(decoded) - 1:
                for writer in writers.values():
                    writer.close()
        took["encoding"] = _timed(len(decoded) - 1, write)[1]
    return took


def _timed(count, work):
    """(answers of ``work(index)`` for 0 to count, milliseconds of each on average, without the first's)."""
    answers = [work(0)]
    begun = time.perf_counter()
    answers += [work(index) for index in range(1, count + 1)]
    return answers, (time.perf_counter() - begun) * 1e3 / max(count, 1)


def _outputs(work):
    return {kind: f"{work['out']}_{kind}.mp4" for kind in ("pha", "com")}


def _matter(work):
    from bgmatting.model import Matter
    from bgmatting.prediction.core import fitting
    from bgmatting.prediction.options import Options
    from bgmatting.prediction.source import VIDEO
    matter = Matter(work["weights"], backbone_scale=work["scale"], precision=work["precision"])
    return fitting(matter, Options(backbone_scale=work["scale"]), VIDEO)


def _size(path):
    from bgmatting.media.video.reader import open_video
    with open_video(path, sound=False) as reader:
        return f"{reader.info.width}x{reader.info.height}"


def main(argv: list[str] | None = None) -> None:
    begun = process_start()
    from bgmatting.utils.cpu import prepare_cpu
    prepare_cpu(load=False)
    work = json.loads((sys.argv[1:] if argv is None else argv)[0])
    print(json.dumps(stages(work) if work["stages"] else whole(work, begun)), flush=True)


if __name__ == "__main__":
    from bgmatting.utils.cli import run_main
    run_main(main)
