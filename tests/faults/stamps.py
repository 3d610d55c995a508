"""Clips whose pictures and beeps tell their true time, and ways to write other time stamps into their files."""
from fractions import Fraction

import av
import numpy as np

from tests.media.video.clips import RATE, picture

BEEP, BEEP_LASTS, SOUND_RATE = 0.4, 0.08, 48000  # seconds between beeps, and of one
WRAP = 2 ** 33


def beeps(frames):
    """float32 (1, N): silence with a tone of 1 kHz every BEEP seconds, as long as ``frames`` pictures."""
    at = np.arange(frames * SOUND_RATE // RATE) / SOUND_RATE
    return (0.5 * np.sin(2 * np.pi * 1000 * at) * (at % BEEP < BEEP_LASTS)).astype(np.float32)[None]


def make(path, frames=50, first=0, codec="libx264", sound="aac", times=None, options=None, mute=0):
    """Write ``picture(first)`` and so on with beeps; times in ms, where they are not those of 25 per second.

    mute: pictures at the end without sound.
    """
    options = options or ({"bf": "0", "crf": "8"} if codec == "libx264" else {"b": "3000000"})
    wave = beeps(frames)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE, options=options)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        if times is not None:
            stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        track = container.add_stream(sound, rate=SOUND_RATE)
        track.codec_context.layout = "mono"
        step = SOUND_RATE // RATE
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(first + index), "rgb24").reformat(format="yuv420p")
            frame.pts = index if times is None else times[index]
            frame.time_base = Fraction(1, RATE) if times is None else Fraction(1, 1000)
            container.mux(stream.encode(frame))
            part = np.ascontiguousarray(wave[:, index * step:(index + 1) * step])
            piece = av.AudioFrame.from_ndarray(part, "fltp", "mono")
            piece.sample_rate, piece.pts, piece.time_base = SOUND_RATE, index * step, Fraction(1, SOUND_RATE)
            if index < frames - mute:
                container.mux(track.encode(piece))
        container.mux(stream.encode(None))
        container.mux(track.encode(None))


def restamp_ts(data, change):
    """An MPEG-TS with change(kind, number, pts) -> pts of its PES packets; kind "v" or "a", pts in 1/90000 s."""
    data, number = bytearray(data), {"v": 0, "a": 0}
    for at in range(0, len(data) - 187, 188):
        if not data[at + 1] & 0x40:  # no packet starts here
            continue
        start = at + 4 + (1 + data[at + 4] if data[at + 3] & 0x20 else 0)
        if data[start:start + 3] != b"\0\0\1" or not data[start + 7] & 0x80:
            continue
        kind = "v" if data[start + 3] >> 4 == 0xE else "a"
        for place in (start + 9, start + 14)[:1 + (data[start + 7] >> 6 & 1)]:
            old = (data[place] >> 1 & 7) << 30 | data[place + 1] << 22 | (data[place + 2] >> 1) << 15 \
                | data[place + 3] << 7 | data[place + 4] >> 1
            new = int(change(kind, number[kind], old)) % WRAP
            data[place:place + 5] = bytes((data[place] & 0xF0 | new >> 29 & 0xE | 1, new >> 22 & 255, new >> 14 & 0xFE | 1,
                                           new >> 7 & 255, new << 1 & 0xFE | 1))
        number[kind] += 1
    return bytes(data)


def restamp_mkv(data, change):
    """A Matroska file with change(kind, number, ms) -> ms of its blocks; the picture is the first track."""
    data, number, at, cluster = bytearray(data), {"v": 0, "a": 0}, 0, 0
    while at < len(data):
        name, at_size = _vint(data, at, keep=True)
        size, content = _vint(data, at_size)
        if name in (0x18538067, 0x1F43B675, 0xA0):  # segment, cluster, group of a block: look inside
            at = content
            continue
        if name == 0xE7:
            cluster = int.from_bytes(data[content:content + size], "big")
        if name in (0xA3, 0xA1):
            kind = "v" if data[content] == 0x81 else "a"
            old = cluster + int.from_bytes(data[content + 1:content + 3], "big", signed=True)
            new = max(-32768, min(32767, round(change(kind, number[kind], old)) - cluster))
            data[content + 1:content + 3] = new.to_bytes(2, "big", signed=True)
            number[kind] += 1
        at = content + size
    return bytes(data)


def _vint(data, at, keep=False):
    """(number, place behind it) of EBML; ``keep`` leaves the mark of its length in."""
    length = 9 - data[at].bit_length()
    value = int.from_bytes(data[at:at + length], "big")
    return value if keep else value & (1 << 7 * length) - 1, at + length


def measured(path):
    """(pictures' times, pictures, beeps' times) of a written file, in seconds, by PyAV alone."""
    times, images, pieces = [], [], []
    with av.open(str(path)) as container:
        for frame in container.decode():
            if isinstance(frame, av.VideoFrame):
                times.append(float(frame.pts * frame.time_base))
                images.append(frame.to_ndarray(format="rgb24"))
            else:
                wave = frame.to_ndarray().astype(np.float32)
                wave = wave.mean(0) if frame.format.is_planar else wave.reshape(-1)
                pieces.append((float(frame.pts * frame.time_base), frame.sample_rate,
                               wave / (32768 if "s16" in frame.format.name else 1)))
    return times, images, _onsets(pieces)


def _onsets(pieces):
    """Where a beep starts, each piece of sound lying where its own stamp says."""
    loud, quiet_since, found = False, -1.0, []
    for start, rate, wave in pieces:
        block = max(rate // 500, 1)
        for index in range(0, len(wave), block):
            now = start + index / rate
            if np.abs(wave[index:index + block]).max() > 0.15:
                if not loud and now - quiet_since > 0.1:
                    found.append(now)
                loud, quiet_since = True, now
            else:
                loud = False
    return found
