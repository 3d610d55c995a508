"""The threads of a run: in order, in constant memory, and all of them end whatever goes wrong in one."""
import gc
import threading
import weakref
from fractions import Fraction

import numpy as np
import pytest

from bgmatting.media import write_image
from bgmatting.media.video.colour import Colour
from bgmatting.media.video.reader import Frame, Info, open_video
from bgmatting.prediction.rendering import wanted_of
from bgmatting.prediction.video import pipeline as run_module
from bgmatting.prediction.video.pipe import END, Cancelled, Pipe
from bgmatting.utils.errors import UserError
from tests.media.video.clips import HEIGHT, RATE, WIDTH, StandIn, decoded, make_clip, picture
from tests.prediction.video.runs import Boom, Several, fails_after, job, matted, shades, within


@pytest.fixture
def clip(tmp_path):
    make_clip(tmp_path / "src.mp4", 12)
    write_image(tmp_path / "bgr.png", np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    return tmp_path


def test_all_outputs_at_once(clip):
    matter, done = StandIn(), []
    report = matted(matter, job(clip, ("pha", "com", "fgr", "err", "ref"), ".mov"), lambda *state: done.append(state))
    assert (report.done, report.damaged, report.stopped, report.notes) == (12, 0, False, [])
    assert report.seconds > 0 and report.fps == pytest.approx(12 / report.seconds)
    assert done == [(index + 1, 12) for index in range(12)]
    assert set(matter.wanted) == {"pha", "fgr", "err", "ref"}
    pha = decoded(report.files["pha"])
    com = decoded(report.files["com"], "rgba")
    err = decoded(report.files["err"])
    for index in range(12):
        truth = picture(index).min(2) > 200
        assert np.abs(pha[index][0][..., 0] - 255.0 * truth).mean() < 3
        assert np.abs(com[index][0][..., 3] - 255.0 * truth).mean() < 3
        assert com[index][0][..., :3][~truth].mean() < 12  # 0 but for what ProRes makes of the edges
        assert np.abs(err[index][0][..., 0] - 128.0 * truth).mean() < 3


def test_only_what_is_needed(clip):
    matter = StandIn()
    matted(matter, job(clip))
    assert matter.wanted == ("pha",)
    assert wanted_of(("com",)) == ("pha", "fgr") and wanted_of(("err", "pha")) == ("pha", "err")


def test_backdrop_of_another_size(clip):
    class Backdrop:
        def frame(self, index, src, bgr):
            return np.zeros((5, 5, 3), np.uint8)
    with pytest.raises(UserError, match="5x5"):
        within(20, lambda: matted(StandIn(), job(clip, ("com",), backdrop=Backdrop())))


class EndlessReader:
    """A clip of ``frames`` frames; counts how many of its images live at once."""

    damaged, missing, audio, note = 0, 0.0, None, None
    info = Info(WIDTH, HEIGHT, Fraction(RATE), Fraction(1, RATE), Colour(), None, None, False, Fraction(1))
    frames, live, most, made, lock = 100, 0, 0, 0, threading.Lock()

    def close(self):
        pass

    def want_samples(self, wanted):
        pass

    def items(self):
        for index in range(self.frames):
            image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
            with self.lock:
                self.live, self.made = self.live + 1, self.made + 1
                self.most = max(self.most, self.live)
            weakref.finalize(image, self.dead)
            yield Frame(image, Fraction(index, RATE), Fraction(1, RATE), [])
            del image

    def dead(self):
        with self.lock:
            self.live -= 1


@pytest.mark.parametrize("large", [False, True])
def test_constant_memory(clip, monkeypatch, large):
    reader = EndlessReader()
    monkeypatch.setattr("bgmatting.media.decoding.open_video", lambda source, **_: reader)
    if large:
        monkeypatch.setattr(run_module, "LARGE", 1)
    report = within(60, lambda: matted(StandIn(), job(clip, ("pha", "fgr"))))
    gc.collect()
    assert report.done == 100 and reader.live == 0
    # Decoding one, two waiting, one with the network, one waiting, one being finished; writers have pictures of their own.
    assert reader.most <= (3 if large else 6) + 1


@pytest.mark.parametrize("where", ["matter", "smooth", "background", "progress", "reader", "backdrop"])
@pytest.mark.parametrize("several", [False, True])
def test_an_error_ends_all_and_leaves_what_plays(clip, monkeypatch, where, several):
    matter, hooks, progress = StandIn(), {}, None
    monkeypatch.setattr(run_module, "at_once", lambda: 3)
    if several:
        matter = Several(shades(clip), fails=7 if where == "matter" else None)
    elif where == "matter":
        real = matter.predict
        matter.predict = lambda src, bgr, want: real(src, bgr, want) if matter.calls < 7 else fails_after(0)()
    if where == "matter":
        pass
    elif where == "smooth":
        hooks["smooth"] = fails_after(7, lambda src, pha: pha)
    elif where == "background":
        hooks["fit_background"] = fails_after(7, lambda src, bgr: (bgr, []))
    elif where == "progress":
        progress = fails_after(6)
    elif where == "backdrop":
        backdrop = StandIn()
        backdrop.frame = fails_after(7, lambda index, src, bgr: src)
        hooks["backdrop"] = backdrop
    else:
        real_items = open_video(clip / "src.mp4").items

        class Failing(EndlessReader):
            frames = 100

            def items(self):
                for index, frame in enumerate(real_items()):
                    if index == 7:
                        raise Boom
                    yield frame
        monkeypatch.setattr("bgmatting.media.decoding.open_video", lambda source, **_: Failing())
    before = threading.active_count()
    with pytest.raises(Boom) as caught:
        within(30, lambda: matted(matter, job(clip, ("pha", "com"), ".mov", **hooks), progress))
    assert threading.active_count() == before
    report = caught.value.report
    assert report.done == 7
    assert len(decoded(report.files["pha"])) == len(decoded(report.files["com"])) == 7
    assert sorted(path.name for path in (clip / "o").iterdir()) == ["com.mov", "pha.mov"]


@pytest.mark.parametrize("after", [0, 3])
def test_a_writer_that_fails_ends_all(clip, monkeypatch, after):
    reader = EndlessReader()
    monkeypatch.setattr("bgmatting.media.decoding.open_video", lambda source, **_: reader)
    real = run_module.open_writer
    opened = {}

    def open_writer(path, *rest):
        writer = opened[path.stem] = real(path, *rest)
        if path.stem == "fgr":
            write, calls = writer.write, fails_after(after)
            writer.write = lambda *args: (calls(), write(*args))
        return writer
    monkeypatch.setattr(run_module, "open_writer", open_writer)
    with pytest.raises(Boom) as caught:
        within(30, lambda: matted(StandIn(), job(clip, ("pha", "fgr"))))
    files = caught.value.report.files
    assert ("fgr" in files) == (after > 0) and reader.made < 60
    assert len(decoded(files["pha"])) == opened["pha"].frames > 0


def test_nothing_is_left_where_no_frame_was_done(clip):
    with pytest.raises(Boom) as caught:
        within(30, lambda: matted(type("Bad", (), {"predict": fails_after(0)})(), job(clip)))
    assert caught.value.report.files == {} and list((clip / "o").iterdir()) == []


def test_pipe():
    pipe = Pipe(2)
    pipe.put(1)
    pipe.put(2)
    assert pipe.get() == 1 and pipe.get() == 2 and pipe.get(0.01) is None
    pipe.put(3)
    pipe.close()
    assert pipe.get() == 3 and pipe.get() is END
    waiting = Pipe(1)
    waiting.put(1)
    blocked = threading.Thread(target=lambda: pytest.raises(Cancelled, waiting.put, 2), daemon=True)
    blocked.start()
    waiting.cancel()
    blocked.join(10)
    assert not blocked.is_alive()
    with pytest.raises(Cancelled):
        waiting.get()
