"""How sets lie on disk: a layout is a function (root, folders, ...) -> set, named in configs/datasets.yml."""
from dataset.layouts.pictures import backgrounds, fgr_pha_folders, rgba_folder
from dataset.layouts.videos import video_pairs

PAIR_LAYOUTS = {"fgr_pha_folders": fgr_pha_folders, "rgba_folder": rgba_folder, "video_pairs": video_pairs}
BACKGROUND_LAYOUTS = {"backgrounds": backgrounds}
