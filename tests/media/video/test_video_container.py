"""What the container says: the shape of pixels, how frames are cut, times in the order of decoding, and colours."""
import io
import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from bgmatting.media.video import container as boxes
from bgmatting.media.video.reader import open_video
from bgmatting.media.video.writer import open_writer
from bgmatting.utils.errors import UserError
from tests.media.video.clips import HEIGHT, RATE, WIDTH, make_clip, picture

WIDE = Fraction(4, 3)


def shaped_clip(path, codec, pixels="yuv420p", muxer=None, aspect=WIDE, options=None):
    """A clip of 6 frames whose pixels have a shape of their own, as the encoder and the container say it."""
    with av.open(str(path), "w", format=muxer, options=options or {}) as file:
        stream = file.add_stream(codec, rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixels
        stream.codec_context.sample_aspect_ratio = aspect
        for index in range(6):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(picture(index), "rgb24")))
        file.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name, codec, pixels, target, alpha", [
    ("a.mp4", "libx264", "yuv420p", "b.mp4", False), ("a.mov", "prores_ks", "yuv422p10le", "b.mov", True),
    ("a.mov", "mjpeg", "yuvj420p", "b.webm", False), ("a.avi", "mpeg4", "yuv420p", "b.webm", True)])
def test_pixels_keep_their_shape(tmp_path, name, codec, pixels, target, alpha):
    with open_video(shaped_clip(tmp_path / name, codec, pixels)) as reader:
        assert reader.info.aspect == WIDE
        writer = open_writer(tmp_path / target, reader.info, alpha)
        for frame in reader:
            image = np.dstack((frame.image, frame.image[..., 0])) if alpha else frame.image
            writer.write(image, frame.pts, frame.duration)
        writer.close()
    with open_video(tmp_path / target) as reader:
        assert reader.info.aspect == WIDE or abs(reader.info.aspect / WIDE - 1) < 0.5 / WIDTH
        assert (reader.info.width, reader.info.height, len(list(reader))) == (WIDTH, HEIGHT, 6)


@pytest.mark.parametrize("size, aspect, shown", [((720, 576), Fraction(64, 45), (1024, 576)), ((160, 120), WIDE, (160, 90)),
                                                 ((720, 480), Fraction(8, 9), (720, 540)),
                                                 ((64, 48), Fraction(213, 160), (85, 48))])
def test_size_in_square_pixels(size, aspect, shown):
    assert boxes.shown_size(*size, aspect) == shown


def with_box(path, box):
    """The MP4 at ``path`` with a box at the end of the description of its pictures."""
    data, at = bytearray(path.read_bytes()), 0
    for name in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"):
        at = data.rindex(name) - 4
        size = int.from_bytes(data[at:at + 4], "big")
        data[at:at + 4] = struct.pack(">I", size + len(box))
    data[at + size:at + size] = box  # moov is last: the places of the pictures stay
    path.write_bytes(data)


def aperture(*numbers):
    return struct.pack(">I4s8i", 40, b"clap", *numbers)


def with_elements(path, added):
    """The Matroska file at ``path``, written as a stream, with elements at the end of what it says of its pictures."""
    data = path.read_bytes()
    file = io.BytesIO(data)
    segment, = boxes._elements(file, boxes.SEGMENT, 0, len(data))
    tracks, = boxes._elements(file, boxes.TRACKS, *segment)
    track, = boxes._elements(file, boxes.TRACK, *tracks)

    def parts(where, code, made):
        return b"".join(made if found == code else data[start:stop]
                        for found, start, _, stop in boxes._all_elements(file, *where))
    video, = boxes._elements(file, boxes.VIDEO, *track)
    made = boxes._element(boxes.VIDEO, data[video[0]:video[1]] + added)
    made = boxes._element(boxes.TRACK, parts(track, boxes.VIDEO, made))
    made = boxes._element(boxes.TRACKS, parts(tracks, boxes.TRACK, made))
    path.write_bytes(data[:segment[0]] + parts(segment, boxes.TRACKS, made))


def elements(left, top, right, bottom):
    sides = dict(left=left, top=top, right=right, bottom=bottom)
    return b"".join(boxes._element(code, bytes((sides[side],))) for code, side in boxes.CROPS.items())


@pytest.mark.parametrize("name, codec", [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.webm", "libvpx-vp9")])
def test_frames_are_cut_as_asked(tmp_path, name, codec):
    path = tmp_path / name
    options = {} if name == "a.mp4" else {"live": "1", "write_crc32": "0"}
    with open_video(shaped_clip(path, codec, aspect=1, options=options)) as reader:
        whole = [frame.image for frame in reader]
    if name == "a.mp4":
        with_box(path, aperture(WIDTH - 12, 1, HEIGHT - 6, 1, 2, 1, -1, 1))
    else:
        with_elements(path, elements(8, 2, 4, 4))
    with open_video(path) as reader:
        assert (reader.info.width, reader.info.height) == (WIDTH - 12, HEIGHT - 6)
        frames = [frame.image for frame in reader]
    assert len(frames) == 6
    for image, cut in zip(whole, frames):
        np.testing.assert_array_equal(cut, image[2:HEIGHT - 4, 8:WIDTH - 4])


@pytest.mark.parametrize("box", [aperture(WIDTH + 2, 1, HEIGHT, 1, 0, 1, 0, 1), aperture(4, 0, 4, 1, 0, 1, 0, 1),
                                 aperture(4, 1, 4, 1, 500, 1, 0, 1)], ids=["larger", "no number", "outside"])
def test_nonsense_cuts_nothing(tmp_path, box):
    with_box(shaped_clip(tmp_path / "a.mp4", "libx264", aspect=1), box)
    try:
        with open_video(tmp_path / "a.mp4") as reader:
            assert (reader.info.width, reader.info.height, len(list(reader))) == (WIDTH, HEIGHT, 6)
    except UserError:
        assert av.library_versions["libavformat"] < (62,)  # older ones refuse the file


@pytest.mark.parametrize("name, options", [("a.avi", {"bf": "3"}), ("a.avi", {"bf": "8", "b-pyramid": "normal"}),
                                           ("a.asf", {"bf": "2"}), ("a.mkv", {"bf": "3"})])
def test_frames_that_are_decoded_in_another_order(tmp_path, name, options):
    make_clip(tmp_path / name, 40, options={"crf": "10", **options})
    with open_video(tmp_path / name) as reader:
        times = [float(frame.pts) for frame in reader]
    assert len(times) == 40
    assert np.allclose(np.diff(times), 1 / RATE, atol=0.0015)


def by_sums(images, matrix, limited, deep):
    """[yuv444p frame] of RGB images, by the equations of H.273 for YCgCo, or as planes of green, blue and red."""
    unit, most = (256, 65535) if deep else (1, 255)
    for image in images:
        red, green, blue = np.moveaxis(image.astype(float) / 255, -1, 0)
        if matrix == 0:
            planes = np.stack((green, blue, red))
        else:
            planes = np.stack((green / 2 + (red + blue) / 4, green / 2 - (red + blue) / 4 + 0.5, (red - blue) / 2 + 0.5))
        colour = planes[1:] if matrix == 0 else planes[1:] - 0.5
        if limited:
            colour = colour * 219 * unit + 16 * unit if matrix == 0 else colour * 224 * unit + 128 * unit
            planes = np.concatenate((planes[:1] * 219 * unit + 16 * unit, colour))
        else:
            planes = np.concatenate((planes[:1] * most, colour * most if matrix == 0 else colour * most + 128 * unit))
        planes = np.rint(planes.clip(0, most)).astype(np.uint16 if deep else np.uint8)
        planes = np.ascontiguousarray(np.moveaxis(planes, 0, -1)) if deep else planes
        yield av.VideoFrame.from_ndarray(planes, "yuv444p16le" if deep else "yuv444p")


def coloured_clip(path, matrix, limited, deep, primaries=2):
    images = [picture(index) for index in range(3)]
    with av.open(str(path), "w") as file:
        stream = file.add_stream("ffv1", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv444p16le" if deep else "yuv444p"
        context = stream.codec_context
        context.colorspace, context.color_range, context.color_primaries = matrix, 1 if limited else 2, primaries
        for frame in by_sums(images, matrix, limited, deep):
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return images


@pytest.mark.parametrize("matrix", [8, 0])
@pytest.mark.parametrize("limited", [True, False])
@pytest.mark.parametrize("deep", [True, False])
def test_colours_by_sums(tmp_path, matrix, limited, deep):
    images = coloured_clip(tmp_path / "a.mkv", matrix, limited, deep)
    with open_video(tmp_path / "a.mkv") as reader:
        assert reader.info.colour.matrix == 6
        reader.want_depth(deep)
        for frame, image in zip(reader, images):
            assert np.abs(frame.image.astype(int) - image).max() <= 2
            if deep:
                assert np.abs(frame.deep / 257 - image).max() <= 0.6


@pytest.mark.parametrize("matrix", [10, 11, 12, 13, 14])
def test_colours_that_nobody_here_knows(tmp_path, matrix):
    coloured_clip(tmp_path / "a.mkv", matrix, True, False)
    with pytest.raises(UserError):
        open_video(tmp_path / "a.mkv")


def test_a_matrix_that_follows_from_the_primaries(tmp_path):
    for primaries in (1, 9):
        coloured_clip(tmp_path / f"{primaries}.mkv", 12, True, False, primaries)
        with open_video(tmp_path / f"{primaries}.mkv") as reader:
            assert reader.info.colour.matrix == primaries
