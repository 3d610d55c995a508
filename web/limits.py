"""Limits of what is uploaded and made: every one of them stands here, with the check that goes with it.

``Limits`` are those that app.py has flags for; the constants hold for every server.
"""
from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bgmatting.media.decoding import InPlace, Isolated
from bgmatting.media.video.isolated import IsolatedReader
from bgmatting.media.video.reader import VideoReader
from bgmatting.web.inspection import photo_size
from bgmatting.web.refusals import Refused

PARTS = 40                  # of a form
PART_HEADERS = 1 << 13      # bytes of the headers of a part
FIELD_BYTES = 1 << 20       # of text
NAME_BYTES = 160            # of a file's name that are kept, beside its suffix; names of results are longer, up to 255
SUFFIX_CHARACTERS = 8
UNPACKED = 4                # times the size of a request that a ZIP may unpack to
CAMERA_BYTES = 4 << 20      # of an image of a browser's camera
CAMERA_PIXELS = 1280 * 720


def _limit(value, help):
    """A field of ``Limits`` that is a flag."""
    return field(default=value, metadata={"help": help})


@dataclass(frozen=True)
class Limits:
    """What people may set. Sizes are pixels and MiB, times are seconds."""
    max_pixels: int = _limit(40_000_000, "most pixels of a photo or frame")
    max_mib: float = _limit(200.0, "largest request, in MiB")
    max_seconds: float = _limit(300.0, "longest video, in seconds")
    upload_seconds: float = _limit(120.0, "longest time to receive a request, in seconds")
    queue: int = _limit(8, "most photos waiting; the same number of videos may wait")
    max_frames: int = _limit(20_000, "most frames of a video")
    max_result_mib: float = _limit(2048.0, "largest results of one request, in MiB")
    max_spool_mib: float = _limit(8192.0, "most disk space for all uploads and results, in MiB")
    max_results: int = _limit(100, "most finished jobs to keep")
    jobs_per_client: int = _limit(4, "most unfinished jobs of one address beyond this machine")
    max_cameras: int = _limit(4, "most cameras at the same time")
    decode_seconds: float = _limit(30.0, "longest time to decode a photo or frame, in seconds")
    decode_mib: float = _limit(3072.0, "most memory to decode a file, in MiB")
    keep_seconds: float = 540.0  # of results and of the page's files; the page says ten minutes

    @property
    def max_bytes(self) -> int:
        """Bytes that a request may hold."""
        return int(self.max_mib * 2 ** 20)

    def check_request(self, count: int) -> None:
        """Raise Refused (413) for a request of ``count`` bytes, so far, that is larger than allowed."""
        if count > self.max_bytes:
            raise Refused(413, f"the request has {count / 2 ** 20:.0f} MiB or more; at most {self.max_mib:.0f} are taken "
                               f"here.")

    def check_results(self, count: int) -> None:
        """Raise Refused (413) for results of ``count`` bytes that are larger than allowed."""
        if count > self.max_result_mib * 2 ** 20:
            raise Refused(413, f"the results take more than {self.max_result_mib:.0f} MiB; no more are made here. Ask for "
                               f"fewer types, or a smaller format.")

    def check_photo(self, path: Path | str, decoding: InPlace | Isolated) -> None:
        """Raise Refused (413) for a photo of too many pixels, told by its header; UserError where it is none."""
        size = decoding.call(photo_size, path)
        if size is not None and (not size or size[0] * size[1] > self.max_pixels):
            said = f"is {size[0]}x{size[1]}, {size[0] * size[1] / 1e6:.1f} megapixels" if size else "has too many pixels"
            raise Refused(413, f"{path} {said}; at most {self.max_pixels / 1e6:.1f} are taken here. Save it smaller.")

    def check_video(self, path: Path | str, reader: VideoReader | IsolatedReader) -> int:
        """How many frames a video may have. Raises Refused (413) for frames that are too large, or too many."""
        info = reader.info
        if info.width * info.height > self.max_pixels:
            raise Refused(413, f"{path} has frames of {info.width}x{info.height}; at most "
                               f"{self.max_pixels / 1e6:.1f} megapixels are taken here. Scale it down.")
        if info.duration is not None and info.duration > self.max_seconds:
            raise Refused(413, f"{path} lasts {float(info.duration):.0f} s; at most {self.max_seconds:.0f} are taken here. "
                               f"Cut it.")
        most = min(self.max_frames, int(self.max_seconds * info.rate) + 1)
        check_frames(path, getattr(reader, "frames", None) or 0, most)
        return most


def check_frames(path: Path | str, count: int, most: int | None) -> None:
    """Raise Refused (413) for a video of more than ``most`` frames, so far."""
    if most is not None and count > most:
        raise Refused(413, f"{path} has more than {most} frames; no more are taken here. Cut it.")
