"""Writing a video of mattes: MP4 (H.264; HEVC of deep sources), MOV (ProRes 4444), WebM (VP9), PNG or OpenEXR images, raw
frames."""
from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from bgmatting.media.pixels import to_8_bits
from bgmatting.media.video.audio import AudioReader, AudioWriter, Sound
from bgmatting.media.video.colour import LIMITED, complete, from_array, prores_header, tag
from bgmatting.media.video.container import DISPLAY_ROOM, write_display
from bgmatting.media.video.disk import HiddenFile, disk_full
from bgmatting.media.video.encoders import X265, encoder_threads, encoding
from bgmatting.media.video.libav import end_of, import_av
from bgmatting.media.video.picture_folder import PictureWriter, PlateWriter
from bgmatting.media.video.reader import Info
from bgmatting.utils.errors import UserError, suggest

RESERVE = 16 << 20  # bytes for the index of a video; frames that an encoder holds come on top

# bytes that wait in memory, for which the reserve has to do, too; no checksum, since ``write_display`` changes the header
MUXERS = {"webm": {"cluster_size_limit": "1000000", "write_crc32": "0"}}


COARSE = Fraction(1, 10000)  # seconds


class Format(NamedTuple):
    """A kind of file: its suffix, FFmpeg's muxer, and whether it can hold alpha."""
    suffix: str
    alpha: bool


FORMATS = {"mp4": Format(".mp4", False), "mov": Format(".mov", True), "webm": Format(".webm", True),
           "png": Format("", True), "exr": Format("", True)}
RAW = Path("-")  # frames as they are, into a pipe


def format_of(path: str | os.PathLike) -> str:
    """The name in ``FORMATS`` that a path's suffix stands for; no suffix is a folder of images, "png". Raises
    UserError: another suffix."""
    suffix = Path(path).suffix.lower()
    for name, format in FORMATS.items():
        if suffix == format.suffix:
            return name
    raise UserError(f"{path}: videos of type '{suffix}' are not written.{suggest(suffix, ['.mp4', '.mov', '.webm'])}")


def check_alpha(name: str, path: str | os.PathLike) -> None:
    """Raises UserError where the format ``name`` cannot hold the alpha of a cut-out."""
    if name not in FORMATS:
        raise UserError(f"unknown video format '{name}'.{suggest(name, FORMATS)}")
    if not FORMATS[name].alpha:
        raise UserError(f"{path}: {name} cannot hold the alpha of a cut-out; choose mov, webm, png, or put the "
                        f"subject on a background with --target-bgr.")


def open_writer(path: str | os.PathLike, info: Info, alpha: bool = False, audio: AudioReader | None = None,
                gray: bool = False, pictures: str | None = None) -> VideoWriter | PictureWriter:
    """A writer for ``path``: write(image, pts, duration, sounds), then close().

    Args:
        path: the file or folder to write.
        info: ``media.video.reader.Info`` of the source: size, rate, time base and colour are taken over; its depth where
            the format holds it.
        alpha: images are RGBA. gray: images are mattes, which are kept more exactly than RGB.
        audio: the ``AudioReader`` of the source, or None.
        pictures: "png" or "exr" of a folder of images, whatever it is called: a dot in its name is no suffix. None: as
            ``format_of``.
    Raises:
        UserError: an unknown suffix, the format cannot hold alpha, a package is missing, or this FFmpeg lacks the encoder.
            OSError: the folder cannot be written.
    """
    name = pictures or format_of(path)
    if alpha:
        check_alpha(name, path)
    if not FORMATS[name].suffix:
        return (PlateWriter if name == "exr" else PictureWriter)(path, info)
    return VideoWriter(path, name, info, alpha, audio, gray)


class RawWriter:
    """Frames as bytes, gray, RGB or RGBA of 8 bits, one behind the other, into ``stream``, a binary file."""

    needs_samples, warning, bits = False, None, 8

    def __init__(self, stream: BinaryIO):
        self.frames, self._stream = 0, stream

    def write(self, image: np.ndarray | None, pts: Fraction, duration: Fraction, sounds: Sequence[Sound] = ()) -> None:
        """Append a frame. Raises OSError where nobody reads any more."""
        if image is not None:
            self._stream.write(np.ascontiguousarray(to_8_bits(image)).data)
            self._stream.flush()
            self.frames += 1

    def close(self) -> None:
        """The stream is another's."""

    drop = close


class VideoWriter:
    """One video under a hidden name until ``close``, which finishes it after whatever frame was last.

    ``frames`` were written; ``bits`` of a colour it has room for; ``warning`` is a line about sound that could not be kept,
    or None; ``needs_samples`` is true where sound is wanted decoded.
    """

    def __init__(self, path: str | os.PathLike, muxer: str, info: Info, alpha: bool, audio: AudioReader | None, gray: bool):
        self.path, self.frames, self.warning, self._audio, self._last = Path(path), 0, None, None, None
        self._av, self._lasts = import_av(), {}
        self._facts = muxer, info, alpha, gray
        if audio is None or not self._begun(audio):
            self._begin(None)
        self.needs_samples = self._audio is not None and not self._audio.copies

    def _begun(self, audio):
        """Begin with sound; where that fails, ``warning`` says so, and false is returned."""
        try:
            self._begin(audio)
        except UserError as error:
            self._audio = None
            self.warning = f"{self.path} has no sound: {audio.codec} could not be kept ({end_of(error.__cause__)})."
        return self._audio is not None

    def _begin(self, audio):
        """Open the file and the encoders and write the header: what cannot be made is known before any work."""
        muxer, info, *_ = self._facts
        self._file = HiddenFile(self.path, RESERVE + (4 if info.depth <= 8 else 8) * info.width * info.height)
        try:
            self._container = self._av.open(self._file, "w", format=muxer, buffer_size=1 << 16,
                                            options=MUXERS.get(muxer, {}))
            self._open_stream(*self._facts)
            if audio is not None:
                self._audio = AudioWriter(self._container, muxer, audio)
            self._container.start_encoding()
        except (self._av.error.FFmpegError, ValueError) as error:
            self._file.drop()
            raise UserError(f"cannot write {self.path}: this FFmpeg does not encode it ({end_of(error)}).") from error
        except BaseException:
            self._file.drop()
            raise

    def write(self, image: np.ndarray | None, pts: Fraction, duration: Fraction, sounds: Sequence[Sound] = ()) -> None:
        """Append a frame.

        Args:
            image: uint8 or uint16 (H, W) gray, (H, W, 3) RGB or (H, W, 4) RGBA; None for sound alone.
            pts, duration: seconds, Fractions. sounds: list of ``media.video.audio.Sound``.
        Raises:
            OSError: the disk is full. The frame may be in the file all the same; ``close`` saves what there is.
        """
        if self._audio is not None:
            self._audio.write(sounds)
        if image is not None:
            ticks = int(pts / self._tick + Fraction(1, 2))
            self._last = ticks = ticks if self._last is None else max(ticks, self._last + 1)
            image = to_8_bits(image) if self.bits == 8 else image
            frame = from_array(self._av, image, self._pixels, self._colour)
            frame.pts, frame.time_base = ticks, self._tick
            self._lasts[ticks] = max(int(duration / self._tick + Fraction(1, 2)), 1)
            self._mux(self._stream.encode(frame))
            self.frames += 1
        if self._file.error is not None:
            raise self._file.error
        if self._file.full:
            raise disk_full(self.path)

    def close(self) -> None:
        """Finish the file and give it its name; without a frame in it there is no file. Raises OSError: it could not be
        finished, and is gone."""
        try:
            if self.frames:
                self._mux(self._stream.encode(None))
                if self._audio is not None:
                    self._audio.finish()
                    if self._audio.lost:
                        self.warning = f"{self.path}: {self._audio.lost} pieces of sound could not be read or written."
            self._container.close()
            if self.frames:
                muxer, info, *_ = self._facts
                if muxer == "webm" and info.aspect != 1 and self._file.error is None:
                    write_display(self._file.name, info.width, info.height, info.aspect)
                self._file.keep()
            else:
                self._file.drop()
        except BaseException:
            self.frames = 0
            self._file.drop()
            raise

    def drop(self) -> None:
        """Leave no file."""
        self.frames = 0
        try:
            self._container.close()
        except (self._av.error.FFmpegError, OSError):
            pass
        self._file.drop()

    def _mux(self, packets):
        if self._header is not None:
            packets = chain.from_iterable(map(self._header.filter, packets))
        for packet in packets:
            lasts = self._lasts.pop(packet.pts, None)
            if lasts and Fraction(packet.time_base) == self._tick:
                packet.duration = lasts
            self._container.mux(packet)

    def _open_stream(self, muxer, info, alpha, gray):
        codec, self._pixels, options, self.bits = encoding(muxer, info, alpha, gray)
        self._colour = info.colour
        if muxer == "mov":  # ProRes has no word for full range
            self._colour = complete(info.colour._replace(range=LIMITED))
        self._tick = Fraction(1, 1000) if muxer == "webm" else fine(info.time_base)
        self._stream = stream = self._container.add_stream(codec, rate=info.rate)
        stream.width, stream.height, stream.pix_fmt = info.width, info.height, self._pixels
        context = stream.codec_context
        context.options = options
        context.time_base = stream.time_base = self._tick
        context.thread_count = encoder_threads()
        tag(context, self._colour)
        self._header = self._av.BitStreamFilterContext(prores_header(self._colour), stream) if muxer == "mov" else None
        if codec == X265:
            _call_hvc1(context)
        if info.aspect != 1:
            _set_aspect(stream, info.aspect)
        if muxer == "webm" and alpha:
            stream.metadata["alpha_mode"] = "1"
        if muxer == "webm" and info.aspect != 1:
            stream.metadata["title"] = "x" * DISPLAY_ROOM


def fine(tick: Fraction) -> Fraction:
    """A tick of at most 0.1 ms that divides ``tick``: frames between its multiples find room, too."""
    while tick > COARSE:
        tick /= 2
    return tick


def _call_hvc1(context):
    """The name that Apple's players ask of HEVC."""
    try:
        context.codec_tag = "hvc1"
    except AttributeError:
        pass  # this PyAV cannot; others play it


def _set_aspect(stream, aspect):
    try:
        stream.codec_context.sample_aspect_ratio = aspect
    except AttributeError:
        pass  # this PyAV cannot; pixels are shown square
