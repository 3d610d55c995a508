"""What a run reads, which its results may not replace."""
from __future__ import annotations

import os

from bgmatting.media.video.sequence import is_sequence, numbered
from bgmatting.prediction.backdrop import names_file
from bgmatting.prediction.options import Options
from bgmatting.prediction.source import PREFIX, is_camera


def inputs_of(options: Options) -> list[str]:
    """Paths of the files and folders that ``options`` name as inputs, as far as there are any; of numbered images each file.
    Addresses, colours and other words are left out. Raises UserError where numbered images cannot be listed."""
    src = options.src[len(PREFIX):] if is_camera(options.src) else options.src
    target = options.target_bgr if names_file(options.target_bgr) else None
    paths = []
    for path in (src, options.bgr, options.trimaps, target):
        if path is not None:
            paths += numbered(path).files.values() if is_sequence(path) else [path]
    return [os.fspath(path) for path in paths if os.path.lexists(path)]
