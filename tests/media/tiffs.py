"""TIFF files of every kind, built byte by byte."""
import struct
import zlib

import numpy as np

TYPES = {1: "B", 3: "H", 4: "I", 6: "b", 8: "h", 9: "i", 16: "Q"}


def packed(samples, bits, order):
    """Unsigned integers (rows, n) as bytes, each row beginning with a byte of its own."""
    if bits in (8, 16, 32):
        return samples.astype(f"{order}u{bits // 8}").tobytes()
    shifted = samples[..., None] >> np.arange(bits)[::-1] & 1
    return np.packbits(shifted.reshape(len(samples), -1).astype(np.uint8), axis=1).tobytes()


def blocks(samples, planar, rows, tile):
    """The strips or tiles of (H, W, C), each (rows, values)."""
    planes = [samples[..., channel:channel + 1] for channel in range(samples.shape[2])] if planar else [samples]
    for plane in planes:
        height, width = plane.shape[:2]
        if tile:
            down, across = -height % tile, -width % tile
            plane = np.pad(plane, ((0, down), (0, across), (0, 0)))
            for top in range(0, len(plane), tile):
                for left in range(0, plane.shape[1], tile):
                    yield plane[top:top + tile, left:left + tile].reshape(tile, -1)
        else:
            for top in range(0, height, rows):
                yield plane[top:top + rows].reshape(min(rows, height - top), -1)


def directory(order, entries, begin, following=0, big=False):
    """A directory at ``begin``: entries {tag: (type, values)}. Values of more than a field's room lie behind it."""
    room, size = (8, 20) if big else (4, 12)
    head = struct.pack(order + ("Q" if big else "H"), len(entries))
    behind = begin + len(head) + size * len(entries) + room
    table, body = b"", b""
    for tag, (kind, values) in sorted(entries.items()):
        value = bytes(values) if kind == 7 else struct.pack(f"{order}{len(values)}{TYPES[kind]}", *values)
        if len(value) > room:
            place = struct.pack(order + ("Q" if big else "I"), behind + len(body))
            value, body = place, body + value + bytes(len(value) % 2)
        table += struct.pack(order + ("HHQ" if big else "HHI"), tag, kind, len(values)) + value.ljust(room, b"\0")
    return head + table + struct.pack(order + ("Q" if big else "I"), following) + body


def tiff(samples, bits=8, photometric=2, order="<", big=False, planar=False, rows=7, tile=0, deflate=False, predictor=False,
         more=None):
    """The bytes of a TIFF of unsigned integers (H, W, C); more: further entries, or others instead."""
    samples = np.asarray(samples)
    parts = []
    for block in blocks(samples, planar, rows, tile):
        if predictor:
            step, dtype = (1 if planar else samples.shape[2]), f"u{bits // 8}"
            block = block.astype(dtype)
            block = np.concatenate([block[:, :step], block[:, step:] - block[:, :-step]], axis=1)
        content = packed(block, bits, order)
        parts.append(zlib.compress(content) if deflate else content)
    begin = 16 if big else 8
    offsets = begin + np.cumsum([0, *(len(part) + len(part) % 2 for part in parts)])
    body = b"".join(part + bytes(len(part) % 2) for part in parts)
    (height, width, count), whole = samples.shape, 16 if big else 4
    entries = {256: (4, [width]), 257: (4, [height]), 258: (3, [bits] * count), 259: (3, [8 if deflate else 1]),
               262: (3, [photometric]), 277: (3, [count]), 284: (3, [2 if planar else 1])}
    if predictor:
        entries[317] = (3, [2])
    if tile:
        entries.update({322: (4, [tile]), 323: (4, [tile]), 324: (whole, offsets[:-1].tolist()),
                        325: (whole, [len(part) for part in parts])})
    else:
        entries.update({278: (4, [rows]), 273: (whole, offsets[:-1].tolist()), 279: (whole, [len(part) for part in parts])})
    entries.update(more or {})
    start = int(offsets[-1])
    mark = b"II" if order == "<" else b"MM"
    head = mark + struct.pack(order + ("HHHQ" if big else "HI"), *((43, 8, 0, start) if big else (42, start)))
    return head + body + directory(order, {tag: entry for tag, entry in entries.items() if entry}, start, 0, big)
