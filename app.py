"""A page in the browser, and an HTTP API, for mattes of photos and videos.

`python app.py --help` shows how; ``bgmatting serve`` is the same.
"""
from bgmatting.commands import start

if __name__ == "__main__":
    start("serve")
