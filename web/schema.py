"""What OpenAPI says of the routes, beyond their names."""
from bgmatting.prediction.alignment.fitter import MODES
from bgmatting.prediction.outputs import SUFFIXES, TYPES
from bgmatting.prediction.sizes import FITS

_FILE = {"type": "string", "format": "binary"}
ERROR = {"description": "What is wrong, where, and how to mend it; the words are those of the command line.",
         "content": {"application/json": {"schema": {"type": "object", "properties": {"error": {
             "type": "object", "properties": {"status": {"type": "integer"}, "code": {"type": "string"},
                                              "message": {"type": "string"}}}}}}}}
ERRORS = {status: {**ERROR, "description": what} for status, what in {
    400: "input that cannot be used", 401: "the token is missing", 408: "the request took too long to arrive",
    413: "over a limit of bytes, pixels or seconds", 429: "the line is full; Retry-After says when to come back"}.items()}
_COMMON = {
    "target": {"description": 'new background of com: an uploaded file, a colour (white, #20c040) or "blur"',
               "oneOf": [_FILE, {"type": "string"}]},
    "fit": {"type": "string", "enum": list(FITS), "description": "what to do with a bgr of another size"},
    "align": {"type": "string", "enum": list(MODES["align"]), "description": "move bgr to where src was taken from"},
    "exposure": {"type": "string", "enum": list(MODES["exposure"]), "description": "bring bgr to the light of src"}}
_TYPE = {"type": "array", "items": {"type": "string", "enum": list(TYPES)},
         "description": "what to make; once or several times"}


def _body(properties, required):
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": {
        "type": "object", "properties": properties, "required": required}}}}}


MATTES = {
    "openapi_extra": _body({
        "src": {**_FILE, "description": "photo with the subject"},
        "bgr": {**_FILE, "description": "photo of the same scene without it"},
        "type": {**_TYPE, "default": ["com"]},
        "format": {"type": "string", "enum": list(SUFFIXES), "default": "png"},
        "bit_depth": {"type": "integer", "enum": [8, 16], "default": 8}, **_COMMON}, ["src", "bgr"]),
    "responses": {200: {"description": "the picture, or a ZIP for several types; X-Notes: a JSON list of remarks",
                        "content": {"image/png": {"schema": _FILE}, "image/webp": {"schema": _FILE},
                                    "application/zip": {"schema": _FILE}}}, **ERRORS}}
HEALTH = {"responses": {200: {"description": "status ok or starting, and how many wait"}}}
INFO = {"responses": {200: {"description": "the network's settings, the output types, the limits"}, 401: ERRORS[401]}}
JOBS = {
    "status_code": 202,
    "openapi_extra": _body({
        "src": {**_FILE, "description": "the film"},
        "bgr": {"description": 'photo or film of the empty scene; as text "first:N" or "median"',
                "oneOf": [_FILE, {"type": "string"}]},
        "type": {**_TYPE, "default": ["com"]},
        "format": {"type": "string", "enum": ["mp4", "mov", "webm", "png", "webp", "tiff"]},
        "zip": {**_FILE, "description": "instead of src and bgr: a ZIP of photos in folders src/ and bgr/, partners of the "
                                        "same name, or one photo in bgr/ for all; format is png, webp or tiff then"},
        "temporal": {"type": "string", "enum": ["on", "off"], "description": "smooth the matte from picture to picture"},
        **_COMMON}, []),
    "responses": {202: {"description": "the job's id and state"}, **ERRORS}}
JOB = {"responses": {200: {"description": "state queued, running, done, failed or cancelled; frames, frames_in_all, "
                                          "seconds_left; notes; error"}, 404: {**ERROR, "description": "no such job"}}}
RESULT = {"responses": {200: {"description": "the film, or a ZIP of films for several types"},
                        404: {**ERROR, "description": "no such job"}, 409: {**ERROR, "description": "not done yet"}}}
