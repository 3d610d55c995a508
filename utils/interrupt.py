"""Stopping a run by Ctrl-C or a termination request without losing the step under way."""
import signal


class StopOnSignal:
    """While active, SIGINT and SIGTERM only set ``wanted``, so that the step under way ends and is saved."""

    def __enter__(self):
        self.wanted = False
        self._old = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_):
        for number, handler in self._old.items():
            signal.signal(number, handler)

    def _note(self, *_):
        self.wanted = True
