# The page and the HTTP API in a container.
#
#   docker build -t background-matting .
#   docker run --rm -p 127.0.0.1:7860:7860 background-matting
#
# It prints a token, or takes $MATTING_TOKEN; -e MATTING_INSECURE=1 does without, where nobody else reaches the port (then with
# -e MATTING_ALLOWED_HOSTS=localhost, or web pages could reach it through the user's browser). See docs/explanation/security.md.
#
# For a GPU (NVIDIA's container toolkit on the host; the index is that of its CUDA):
#
#   docker build -t background-matting:gpu --build-arg PADDLE=paddlepaddle-gpu==3.3.1 \
#       --build-arg PADDLE_INDEX=https://www.paddlepaddle.org.cn/packages/stable/cu126/ .
#   docker run --rm --gpus all -p 127.0.0.1:7860:7860 background-matting:gpu
# Packages come by their hashes (requirements/, written by .ci/lock for Debian bookworm's Python 3.11), but for a GPU's paddle.
ARG BASE=debian:bookworm-slim

# The network's graphs are exported here: at work they need paddle no more, and the container is half as large.
FROM ${BASE} AS graphs
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 DEBIAN_FRONTEND=noninteractive
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-venv libgomp1 && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /venv
WORKDIR /app
COPY . .
RUN /venv/bin/pip install -q --require-hashes -r requirements/graphs.txt
RUN MATTING_CACHE=/graphs /venv/bin/python predict.py --output /tmp/sample

FROM ${BASE}
ARG PADDLE=""
ARG PADDLE_INDEX=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 DEBIAN_FRONTEND=noninteractive PYTHONUNBUFFERED=1
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-venv libgomp1 && rm -rf /var/lib/apt/lists/* \
    && python3 -m venv /venv && useradd --create-home --uid 1000 matting && install -d -o matting -m 700 /uploads
WORKDIR /app
COPY . .
RUN /venv/bin/pip install -q --require-hashes -r requirements/container.txt \
    && rm -rf /venv/lib/python3*/site-packages/gradio/templates/node
RUN test -z "$PADDLE" || /venv/bin/pip install -q "$PADDLE" ${PADDLE_INDEX:+--extra-index-url "$PADDLE_INDEX"}
COPY --from=graphs --chown=matting:matting /graphs /home/matting/.cache/background-matting
USER matting
ENV TMPDIR=/uploads
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/venv/bin/python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:7860/v1/health', timeout=4)"]
CMD ["/venv/bin/python", "app.py", "--host", "0.0.0.0", "--no-browser"]
