"""OpenAPI descriptions of the routes, beyond their names."""
from bgmatting.prediction.options import PHOTO, PHOTOS, VIDEO, form_schema

_FILE = {"type": "string", "format": "binary"}
ERROR = {"description": "What is wrong, where, and how to fix it; the words are those of the command line.",
         "content": {"application/json": {"schema": {"type": "object", "properties": {"error": {
             "type": "object", "properties": {"status": {"type": "integer"}, "code": {"type": "string"},
                                              "message": {"type": "string"}}}}}}}}
ERRORS = {status: {**ERROR, "description": what} for status, what in {
    400: "input that cannot be used", 401: "the token is missing", 408: "the request took too long to arrive",
    413: "over a limit of bytes, pixels or seconds", 429: "the line is full; Retry-After says when to come back"}.items()}


def _body(properties, required):
    return {"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": {
        "type": "object", "properties": properties, "required": required}}}}}


def _fields(*kinds):
    """The form fields for sources of ``kinds``; a request that names no type makes com, of a ZIP pha and com."""
    fields = form_schema(kinds)
    return {**fields, "type": {**fields["type"], "default": ["pha", "com"] if kinds == (PHOTOS,) else ["com"]}}


MATTES = {
    "openapi_extra": _body({
        "src": {**_FILE, "description": "photo with the subject"}, **_fields(PHOTO),
        "bgr": {**_FILE, "description": "photo of the same scene without it"}}, ["src", "bgr"]),
    "responses": {200: {"description": "the image, or a ZIP for several types; X-Notes: a JSON list of remarks",
                        "content": {"image/png": {"schema": _FILE}, "image/webp": {"schema": _FILE},
                                    "application/zip": {"schema": _FILE}}}, **ERRORS}}
HEALTH = {"responses": {200: {"description": "status ok or starting, and how many wait"}}}
INFO = {"responses": {200: {"description": "the network's settings, the output types, the limits"}, 401: ERRORS[401]}}
JOBS = {
    "status_code": 202,
    "openapi_extra": _body({
        "src": {**_FILE, "description": "the video"}, **_fields(VIDEO, PHOTOS),
        "zip": {**_FILE, "description": "instead of src and bgr: a ZIP of photos in folders src/ and bgr/, partners of the "
                                        "same name, or one photo in bgr/ for all"}}, []),
    "responses": {202: {"description": "the job's id and state"}, **ERRORS}}
JOB = {"responses": {200: {"description": "state queued, running, done, failed or cancelled; frames, frames_in_all, "
                                          "seconds_left; notes; error"}, 404: {**ERROR, "description": "no such job"}}}
RESULT = {"responses": {200: {"description": "the video, or a ZIP of several, of images, or of mattes"},
                        404: {**ERROR, "description": "no such job"}, 409: {**ERROR, "description": "not done yet"}}}


def names_of(route: dict) -> tuple[str, ...]:
    """The fields of the form of a route, by its description above."""
    return tuple(route["openapi_extra"]["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"])
