"""A virtual camera, which other programs take for a real one; pyvirtualcam makes it."""
from __future__ import annotations

import numpy as np

from bgmatting.utils.errors import UserError


class VirtualCamera:
    """send(image) -> None; then close(). Opened with the first image; rate: images per second that it announces.
    Raises UserError where pyvirtualcam is not installed."""

    def __init__(self, rate: float):
        try:
            import pyvirtualcam
        except ImportError:
            raise UserError("--virtual-camera takes a package more: pip install pyvirtualcam.") from None
        self._module, self._rate, self._camera = pyvirtualcam, rate, None

    def send(self, picture: np.ndarray) -> None:
        """picture: uint8 RGB (H, W, 3). Raises UserError where the system has no virtual camera."""
        height, width = picture.shape[:2]
        if self._camera is not None and (self._camera.width, self._camera.height) != (width, height):
            self.close()
        if self._camera is None:
            try:
                self._camera = self._module.Camera(width=width, height=height, fps=self._rate)
            except (RuntimeError, ValueError) as error:
                raise UserError(f"no virtual camera: {error} It takes a driver: v4l2loopback on Linux, OBS "
                                f"elsewhere.") from None
        self._camera.send(picture)

    def close(self) -> None:
        if self._camera is not None:
            self._camera.close()
            self._camera = None
