"""How sets lie on disk: a layout is a function (root, folders, ...) -> set, named in configs/datasets.yml."""
from bgmatting.dataset.layouts.pictures import backgrounds, fgr_pha_folders, rgba_folder
from bgmatting.dataset.layouts.videos import video_pairs

# Layout -> the forms its folders may take: one text, or a map with these keys.
FORMS = {
    "fgr_pha_folders": [{"fgr", "pha"}, {"fgr", "pha", "list"}],
    "video_pairs": [{"fgr", "pha"}],
    "rgba_folder": ["text"],
    "backgrounds": ["text", {"bgr", "list"}],
}
MEANT = {
    "fgr_pha_folders": "{fgr: folder, pha: folder}, and `list: file` to take only what a list names",
    "video_pairs": "{fgr: folder, pha: folder}, or a file each",
    "rgba_folder": "the name of one folder ('.' for the set's own)",
    "backgrounds": "the name of one folder ('.' for the set's own), or {bgr: folder, list: file}",
}

PAIR_LAYOUTS = {"fgr_pha_folders": fgr_pha_folders, "rgba_folder": rgba_folder, "video_pairs": video_pairs}
BACKGROUND_LAYOUTS = {"backgrounds": backgrounds}
