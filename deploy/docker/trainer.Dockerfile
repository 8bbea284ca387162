# Training and publishing; the only image with torch. Build from the repository's root.
# TORCH_INDEX_URL: empty takes the default wheel (CUDA); the address of the CPU index takes the one for CPUs.
FROM python:3.11-slim AS packages
ARG TORCH_INDEX_URL=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements/build.txt requirements/trainer.txt requirements/torch.txt requirements/torch-extras.txt /src/requirements/
RUN python -m venv /app \
 && /app/bin/pip install --quiet --no-deps --require-hashes -r /src/requirements/trainer.txt \
 && /app/bin/pip install --quiet ${TORCH_INDEX_URL:+--index-url $TORCH_INDEX_URL} -r /src/requirements/torch.txt \
 && /app/bin/pip install --quiet --no-deps --require-hashes -r /src/requirements/torch-extras.txt \
 && pip install --quiet --no-deps --require-hashes -r /src/requirements/build.txt
COPY packages/ictus /src/packages/ictus
COPY services/trainer /src/services/trainer
RUN pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels /src/packages/ictus /src/services/trainer \
 && /app/bin/pip install --quiet --no-deps --no-index /wheels/*.whl

FROM python:3.11-slim
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin ictus \
 && install --directory --owner ictus --group ictus /var/lib/ictus
COPY --from=packages /app /app
COPY models/starter /app/models/starter
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp MPLCONFIGDIR=/tmp/matplotlib ICTUS_SECRETS_DIR=/run/secrets ICTUS_MODELS_DIR=/app/models
USER ictus
VOLUME /var/lib/ictus
HEALTHCHECK --interval=30s --timeout=20s --start-period=120s --retries=4 \
    CMD celery -A trainer.worker inspect ping --destination "celery@$(hostname)" --timeout 10
CMD ["celery", "-A", "trainer.worker", "worker", "-Q", "trainer", "--pool", "solo", "--without-gossip", "--without-mingle"]
