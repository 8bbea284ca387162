# The worker that runs the network: ONNX Runtime, no torch, no database. Build from the repository's root.
FROM python:3.11-slim AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# inference-gpu.txt: ONNX Runtime's CUDA build with its libraries.
ARG LOCK=inference.txt
COPY requirements/build.txt requirements/${LOCK} /src/requirements/
RUN python -m venv /app \
 && /app/bin/pip install --quiet --no-deps --require-hashes -r /src/requirements/${LOCK} \
 && pip install --quiet --no-deps --require-hashes -r /src/requirements/build.txt
COPY packages/ictus /src/packages/ictus
COPY services/inference /src/services/inference
RUN pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels /src/packages/ictus /src/services/inference \
 && /app/bin/pip install --quiet --no-deps --no-index /wheels/*.whl

FROM python:3.11-slim
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin ictus \
 && install --directory --owner ictus --group ictus /var/lib/ictus
COPY --from=packages /app /app
# One thread for BLAS: the engine has its own, and two pools cost up to 1.4 times the time.
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp MPLCONFIGDIR=/tmp/matplotlib OPENBLAS_NUM_THREADS=1 \
    ICTUS_SECRETS_DIR=/run/secrets ICTUS_MODEL_CACHE=/var/lib/ictus/models ICTUS_PULSE_FILE=/tmp/pulse
USER ictus
VOLUME /var/lib/ictus
HEALTHCHECK --interval=15s --timeout=10s --start-period=120s --retries=4 CMD ["python", "-m", "inference.health"]
CMD ["python", "-m", "inference.worker"]
