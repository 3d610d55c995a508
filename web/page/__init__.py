"""The page: one in each language, at /en/ and /zh/; / leads to the one that the browser asks for.

    texts        the words
    components   what several tabs use
    matte_cache  mattes of photos, kept for a while
    photos_tab   a pair of photos, or a photo without its scene
    work_tabs    videos, and ZIPs of photos
    camera_tab   the browser's camera
    build        all of it, put together
    gate         what of Gradio's routes is open
"""
