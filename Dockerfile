# Two stages: wheels are built and installed in the first, the second holds only what runs.
#   docker build -t enmusubi .
#   docker build -t enmusubi:static --build-arg VARIANT=static .   without torch, a quarter of the size
FROM python:3.12-slim AS build
WORKDIR /srv/enmusubi
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
# What the lock files pin, nothing newer; `traced` adds what ENMUSUBI_OTLP_ENDPOINT needs.
ARG VARIANT=full
ARG TRACED=no
# TORCH_INDEX may name a further package index with CPU builds of torch, which are far smaller.
ARG TORCH_INDEX=
COPY requirements.lock requirements-static.lock requirements-dev.lock pyproject.toml ./
RUN if [ "$VARIANT" = static ]; then lock=requirements-static.lock; else lock=requirements.lock; fi \
    && pip install --no-cache-dir ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r "$lock"
RUN if [ "$TRACED" = yes ]; then pip install --no-cache-dir --constraint requirements-dev.lock \
    opentelemetry-exporter-otlp-proto-http opentelemetry-instrumentation-fastapi \
    opentelemetry-instrumentation-sqlalchemy opentelemetry-sdk; fi
COPY . .
RUN pip install --no-cache-dir --no-deps --editable . \
    && python -m compileall -q app data matching models

FROM python:3.12-slim
ARG VARIANT=full
LABEL org.opencontainers.image.title="enmusubi" \
    org.opencontainers.image.licenses="MIT AND Apache-2.0 AND CC-BY-SA-4.0"
# The model all-MiniLM-L6-v2 is inside the virtual environment: nothing is fetched at run time.
COPY --from=build /opt/venv /opt/venv
# With LICENSE, and the NOTICE of the encoder in data/encoders/table.
COPY --from=build /srv/enmusubi /srv/enmusubi
RUN useradd --system --uid 10001 enmusubi && install -d -o enmusubi -m 0700 /var/lib/enmusubi \
    && if [ "$VARIANT" = static ]; then echo ENMUSUBI_ENCODER=static > /srv/enmusubi/.env; fi
ENV PATH=/opt/venv/bin:$PATH \
    ENMUSUBI_DATA_DIR=/var/lib/enmusubi \
    ENMUSUBI_HOST=0.0.0.0 \
    ENMUSUBI_LOG_FORMAT=json \
    PYTHONDONTWRITEBYTECODE=1 \
    HF_HUB_OFFLINE=1
WORKDIR /srv/enmusubi
# By number, so that Kubernetes can tell that it is not root.
USER 10001
VOLUME /var/lib/enmusubi
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ.get('ENMUSUBI_PORT', '8000')}/healthz\", timeout=2)"]
# For one container with SQLite. With PostgreSQL run `enmusubi migrate` once, then `enmusubi serve`.
CMD ["sh", "-c", "enmusubi migrate && exec enmusubi serve"]
