"""Clips of 10 bits for the tests, and what is read of such files by PyAV alone."""
import av
import numpy as np

MASTERING = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400"
HDR = (9, 16, 9, 1)  # primaries, transfer, matrix, range: BT.2020, PQ


def ramp(height=48, width=1024, shift=0):
    """uint16 (H, W, 3): red and blue grow to the right through 1024 levels, green backwards."""
    line = np.roll(np.linspace(0, 65535, width).round().astype(np.uint16), shift)
    return np.ascontiguousarray(np.repeat(np.stack((line, line[::-1], line), -1)[None], height, 0))


def make_deep(path, images, codec="libx265", pixels="yuv420p10le", colour=HDR, words=MASTERING):
    """Write uint16 images (H, W, 3) at 25 frames a second; colour as ``HDR``; words for x265."""
    matrix = {9: 9, 1: 1}[colour[2]]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width, stream.pix_fmt = *images[0].shape[:2], pixels
        context = stream.codec_context
        context.color_primaries, context.color_trc, context.colorspace, context.color_range = colour
        if codec == "libx265":
            context.options = {"preset": "ultrafast", "crf": "2",
                               "x265-params": f"bframes=0:log-level=none:pools=1:frame-threads=1:{words}"}
        for index, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image, "rgb48le").reformat(
                format=pixels, src_colorspace=5, dst_colorspace=matrix, src_color_range=2, dst_color_range=colour[3],
                interpolation=0x46004)
            frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range = colour
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def first_frame(path):
    """(decoded ``av.VideoFrame``, tags of the container's stream, (primaries, transfer, matrix, range))."""
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        tags = context.color_primaries, context.color_trc, context.colorspace, context.color_range
        return next(container.decode(video=0)), tuple(int(tag) for tag in tags)


def deep_rgb(frame, matrix=9, pixels="rgb48le"):
    """uint16 RGB or RGBA of a decoded frame."""
    return frame.reformat(format=pixels, src_colorspace=matrix, dst_colorspace=5, src_color_range=1, dst_color_range=2,
                          interpolation=0x46004).to_ndarray()


def levels(image):
    """How many different numbers each channel has, of 16 bits rounded to 10."""
    return [len(np.unique(np.rint(image[..., channel] / 65535 * 1023))) for channel in range(image.shape[2])]
