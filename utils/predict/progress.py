"""What a run says while it works: a bar with rate and time left on a terminal, else a line per photo."""
import sys

from utils.errors import one_line


class Progress:
    """One line per photo on stdout; for folders on a terminal a bar instead. Notes and failures go to stderr.

    Args:
        total: number of photos; single: there is but one, named by itself.
    """

    def __init__(self, total, single=False):
        self._bar = None
        if not single and sys.stderr.isatty():
            from tqdm import tqdm
            self._bar = tqdm(total=total, unit="photo", dynamic_ncols=True)

    def report(self, job, size, seconds, notes):
        """A photo is done; arguments as ``Work`` gives them."""
        for note in notes:
            self._say(f"note: {job.name}: {note}", sys.stderr)
        if self._bar is not None:
            self._bar.update()
            return
        where = ", ".join(str(path) for path in job.outputs.values())
        self._say(f"{job.src}  {size[0]}x{size[1]}  {seconds:.2f} s  ->  {where}", sys.stdout)

    def failed(self, job, reason):
        """A photo could not be done; it is told at the end, with all others."""
        if self._bar is not None:
            self._bar.update()

    def close(self):
        if self._bar is not None:
            self._bar.close()

    def _say(self, text, stream):
        if self._bar is not None:
            self._bar.write(one_line(text), file=stream)
        else:
            print(one_line(text), file=stream, flush=True)


def list_failures(failures):
    """Print [(name, reason)] to stderr, a line each."""
    if not failures:
        return
    print(f"{len(failures)} failed:", file=sys.stderr)
    for name, reason in failures:
        print(f"  {one_line(name)}: {one_line(reason)}", file=sys.stderr, flush=True)


def summary(done, finished, failed, left, output):
    """One line that says how a folder's run ended."""
    parts = [f"{done} done", f"{finished} finished before" if finished else "", f"{failed} failed" if failed else "",
             f"{left} left" if left else ""]
    return one_line(f"{', '.join(part for part in parts if part)}  ->  {output}")
