"""Folders that may not be looked into, for tests that may run as a user whom no right binds."""
import os


def close_folder(monkeypatch, *folders):
    """Let os.scandir refuse these."""
    open_folder, closed = os.scandir, {os.fspath(folder) for folder in folders}

    def scandir(path="."):
        if not isinstance(path, int) and os.fspath(path) in closed:  # numbers of open folders: rmtree
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return open_folder(path)
    monkeypatch.setattr(os, "scandir", scandir)
