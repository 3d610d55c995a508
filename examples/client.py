"""Have a running server (sh run.sh web, or bgmatting serve) matte a photo; the standard library is enough.

    python examples/client.py SRC BGR OUTPUT.png [http://127.0.0.1:7860]
"""
import json
import sys
import uuid
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen


def matte(src, bgr, server="http://127.0.0.1:7860", **fields):
    """Return the bytes of a PNG: the subject of the photo ``src``, cut out. ``fields`` are those of POST /v1/mattes."""
    border, parts = uuid.uuid4().hex, []
    for name, path in (("src", src), ("bgr", bgr)):
        parts += [f'--{border}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n\r\n'.encode(),
                  Path(path).read_bytes(), b"\r\n"]
    for name, value in fields.items():
        parts.append(f'--{border}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode())
    form = b"".join([*parts, f"--{border}--\r\n".encode()])
    request = Request(f"{server}/v1/mattes", form, {"Content-Type": f"multipart/form-data; boundary={border}"})
    try:
        with urlopen(request, timeout=300) as answer:
            return answer.read()
    except HTTPError as error:
        raise ValueError(json.load(error)["error"]["message"]) from None


if __name__ == "__main__":
    source, background, output, *server = sys.argv[1:]
    Path(output).write_bytes(matte(source, background, *server))
    print("wrote", output)
