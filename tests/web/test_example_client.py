"""examples/client.py against a running server."""
import importlib.util

import cv2
import numpy as np
import pytest

from bgmatting.utils.files import PROJECT

SAMPLE = PROJECT / "image" / "sample"


@pytest.mark.slow
def test_client(server):
    spec = importlib.util.spec_from_file_location("client", PROJECT / "examples" / "client.py")
    client = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(client)
    png = client.matte(SAMPLE / "src.jpg", SAMPLE / "bgr.jpg", server.address.rstrip("/"), type="pha")
    alpha = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert alpha.shape == cv2.imread(str(SAMPLE / "src.jpg")).shape[:2]
    with pytest.raises(ValueError, match="no colour"):
        client.matte(SAMPLE / "src.jpg", SAMPLE / "bgr.jpg", server.address.rstrip("/"), target="no colour")
