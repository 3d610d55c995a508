"""Small clips made with PyAV, and stand-ins for the network, for the tests of videos."""
from collections import namedtuple
from fractions import Fraction

import av
import numpy as np

WIDTH, HEIGHT, RATE = 64, 48, 25
Matte = namedtuple("Matte", "pha fgr err ref")


def picture(index, width=WIDTH, height=HEIGHT):
    """uint8 (H, W, 3): red grows to the right, green downwards, blue and a square's place with the frame."""
    y, x = np.mgrid[0:height, 0:width]
    image = np.dstack((x * 200 // width + 20, y * 200 // height + 20, 0 * x + (index * 12) % 230)).astype(np.uint8)
    left = 4 + index % (width - 20)
    image[8:16, left:left + 8] = (240, 240, 240)
    return image


def make_clip(path, frames=12, times=None, width=WIDTH, height=HEIGHT, codec="libx264", pixels="yuv420p", colour=None,
              audio=None, options=None, muxer=None, images=None):
    """Write a clip of ``picture``s; times in 1/1000 s (default: 25 fps); colour is (range, matrix); audio a codec's name.

    Returns:
        the list of images (H, W, 3).
    """
    images = images or [picture(index, width, height) for index in range(frames)]
    options = {"crf": "4", "bf": "0"} if options is None and codec == "libx264" else options
    with av.open(str(path), "w", format=muxer) as container:
        stream = container.add_stream(codec, rate=RATE, options=options or {})
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        if times is not None:
            stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        conversion = {}
        if colour is not None:
            stream.codec_context.color_range, stream.codec_context.colorspace = colour
            matrix = {1: 1, 6: 5}[colour[1]]
            conversion = {"dst_color_range": colour[0], "dst_colorspace": matrix, "src_color_range": 2,
                          "src_colorspace": 5 if matrix == 1 else 1, "interpolation": 0x46004}
        sound = _add_sound(container, audio)
        for index, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format=pixels, **conversion)
            frame.pts = index if times is None else times[index]
            frame.time_base = Fraction(1, RATE) if times is None else Fraction(1, 1000)
            container.mux(stream.encode(frame))
            if sound is not None:
                container.mux(sound.encode(tone(index)))
        container.mux(stream.encode(None))
        if sound is not None:
            container.mux(sound.encode(None))
    return images


def tone(index, samples=1920, rate=48000):
    """One video frame's worth of a 440 Hz tone, as an av.AudioFrame."""
    at = (np.arange(samples) + index * samples) / rate
    wave = (0.3 * np.sin(2 * np.pi * 440 * at)).astype(np.float32)[None]
    frame = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = rate, index * samples, Fraction(1, rate)
    return frame


def decoded(path, pixels="rgb24"):
    """[(image, pts in seconds)] of a video file, by PyAV alone; a WebM's alpha too with pixels "rgba"."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        if pixels == "rgba" and context.name.startswith("vp9"):  # FFmpeg's own decoder passes over the alpha
            context = av.CodecContext.create("libvpx-vp9", "r")
        found = []
        for packet in container.demux(stream):
            for frame in context.decode(packet) if packet.size else []:
                found.append((frame, frame.pts * packet.time_base))
        for frame in context.decode(None):
            found.append((frame, frame.pts * stream.time_base))
        return [(frame.reformat(format=pixels, dst_color_range=2).to_ndarray(), float(time)) for frame, time in found]


class StandIn:
    """Takes for subject what is brighter than 200 in every channel; keeps the colours of src."""

    settings = {"backend": "none", "precision": "fp32", "device": "cpu"}

    def __init__(self):
        self.wanted, self.calls = None, 0

    def predict(self, src, bgr, want=Matte._fields):
        assert src.shape == bgr.shape
        self.wanted, self.calls = tuple(want), self.calls + 1
        pha = (src.min(2) > 200).astype(np.float32)
        made = {"pha": pha, "fgr": src.astype(np.float32) / 255, "err": pha * 0.5, "ref": pha}
        return Matte(*(made[name] if name in want else None for name in Matte._fields))


def _add_sound(container, codec):
    if codec is None:
        return None
    stream = container.add_stream(codec, rate=48000)
    stream.codec_context.layout = "mono"
    return stream
