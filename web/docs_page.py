"""The page /docs: what OpenAPI says of the routes, as plain HTML that fetches nothing from anywhere."""
import json
from html import escape

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse

STYLE = """body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b2733}
h2{margin-top:2.5rem;border-top:1px solid #ccd6e0;padding-top:1rem}code,pre{background:#f1f4f8;border-radius:4px}
code{padding:.1em .3em}pre{padding:.8rem;overflow:auto}table{border-collapse:collapse;width:100%}
td,th{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #e2e8ef}.m{color:#075985}"""
CURL = {
    "/v1/mattes": 'curl -F src=@me.jpg -F bgr=@room.jpg -F type=com {base}/v1/mattes -o me.png',
    "/v1/jobs": 'curl -F src=@clip.mp4 -F bgr=first:30 -F target=white {base}/v1/jobs',
    "/v1/jobs/{key}": 'curl {base}/v1/jobs/KEY     # DELETE: curl -X DELETE {base}/v1/jobs/KEY',
    "/v1/jobs/{key}/result": 'curl {base}/v1/jobs/KEY/result -o clip.mp4',
    "/v1/health": 'curl {base}/v1/health', "/v1/info": 'curl {base}/v1/info'}


def router(app: FastAPI) -> APIRouter:
    """The route /docs of a FastAPI application."""
    routes = APIRouter()

    @routes.get("/docs", include_in_schema=False)
    def docs(request: Request) -> HTMLResponse:
        return HTMLResponse(page(app.openapi(), str(request.base_url).rstrip("/")))

    return routes


def page(description: dict, base: str) -> str:
    """HTML of an OpenAPI description. base: the server's address, for commands."""
    parts = [f"<h1>{escape(description['info']['title'])}</h1><p>{escape(description['info']['description'])}</p>",
             '<p>The same for programs: <a href="openapi.json">openapi.json</a>. Errors are '
             '<code>{"error": {"status", "code", "message"}}</code>. Where the server was given a token, requests bring '
             '<code>Authorization: Bearer WORD</code>.</p>']
    for path, methods in description["paths"].items():
        parts += [_route(path, method, facts, base) for method, facts in methods.items()]
    return (f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>{escape(description['info']['title'])}: API</title><style>{STYLE}</style><main>{''.join(parts)}</main>")


def _route(path, method, facts, base):
    content = facts.get("requestBody", {}).get("content", {}).get("multipart/form-data", {}).get("schema", {})
    required = content.get("required", ())
    rows = "".join(f"<tr><td><code>{escape(name)}</code>{' *' if name in required else ''}<td>{escape(_kind(part))}"
                   f"<td>{escape(part.get('description', ''))}" for name, part in content.get("properties", {}).items())
    answers = "".join(f"<tr><td>{escape(str(status))}<td colspan=2>{escape(answer['description'])}"
                      for status, answer in facts["responses"].items() if str(status) != "422")
    curl = CURL.get(path, "").replace("{base}", base)
    return (f'<h2><span class="m">{method.upper()}</span> {escape(path)}</h2><p>{escape(facts.get("description", ""))}</p>'
            f"<table>{rows}</table><h3>Answers</h3><table>{answers}</table>"
            + (f"<pre>{escape(curl)}</pre>" if curl and method != "delete" else ""))


def _kind(part):
    if "oneOf" in part:
        return " or ".join(_kind(one) for one in part["oneOf"])
    if "enum" in part.get("items", part):
        return ", ".join(json.dumps(word) if not isinstance(word, str) else word for word in part.get("items", part)["enum"])
    return "file" if part.get("format") == "binary" else part["type"]
