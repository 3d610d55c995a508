"""The page: one in each language, at /en/ and /zh/; / leads to the one that the browser asks for.

    texts       the words
    parts       components that several tabs use
    mattes      mattes of pairs, kept for a while
    photos_tab  a pair of photos
    alone_tab   a photo without its scene
    work_tabs   films, and ZIPs of photos
    camera_tab  the browser's camera
    build       all of it, put together
"""


def add_page(app, service, jobs):
    """The FastAPI application with the page; see ``web.page.build``."""
    from bgmatting.web.page.build import add
    return add(app, service, jobs)
