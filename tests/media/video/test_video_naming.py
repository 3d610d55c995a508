"""Files that name other files are no videos, whatever they are called: nothing that lies beside them is opened."""
import numpy as np
import pytest

from bgmatting.media.video.libav import import_av
from bgmatting.media.video.reader import open_video
from bgmatting.utils.errors import UserError

FRAMES = 40
LISTS = {"concat": "ffconcat version 1.0\nfile part.mkv\n",
         "hls": "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:9.0,\npart.ts\n#EXT-X-ENDLIST\n",
         "dash": '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
                 'profiles="urn:mpeg:dash:profile:isoff-main:2011"><Period><AdaptationSet>'
                 '<Representation id="1" bandwidth="1">'
                 "<BaseURL>part.mkv</BaseURL></Representation></AdaptationSet></Period></MPD>\n",
         "sdp": "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=video 9 RTP/AVP 96\r\n"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with part.mkv and part.ts, which are videos."""
    av, made = import_av(), tmp_path_factory.mktemp("parts")
    for name, codec in (("part.mkv", "libx264"), ("part.ts", "mpeg2video")):
        with av.open(str(made / name), "w") as container:
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 32, 32, "yuv420p"
            for image in np.random.default_rng(0).integers(0, 255, (FRAMES, 32, 32, 3), np.uint8):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
            container.mux(stream.encode(None))
    return made


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.parametrize("suffix", [".mp4", ".m3u8", ".mpd"])
def test_lists_are_refused(folder, kind, suffix):
    (folder / f"{kind}{suffix}").write_text(LISTS[kind])
    with pytest.raises(UserError, match="as a video.*a playlist of others"):
        open_video(folder / f"{kind}{suffix}")


@pytest.mark.parametrize("name", ["part.mkv", "part.ts"])
def test_what_they_name_is_still_read(folder, name):
    with open_video(folder / name) as reader:
        assert sum(1 for _ in reader) == FRAMES
