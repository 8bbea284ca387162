# The public door: API and web UI. Build from the repository's root.
FROM node:20-slim AS web
WORKDIR /src/frontend
COPY frontend/package.json frontend/package-lock.json ./
RUN npm ci --no-audit --no-fund --loglevel=error
COPY frontend ./
RUN npm run --silent build

FROM python:3.11-slim AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements/build.txt requirements/gateway.txt /src/requirements/
RUN python -m venv /app \
 && /app/bin/pip install --quiet --no-deps --require-hashes -r /src/requirements/gateway.txt \
 && pip install --quiet --no-deps --require-hashes -r /src/requirements/build.txt
COPY packages/ictus /src/packages/ictus
COPY services/gateway /src/services/gateway
RUN pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels /src/packages/ictus /src/services/gateway \
 && /app/bin/pip install --quiet --no-deps --no-index /wheels/*.whl

FROM python:3.11-slim
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin ictus \
 && install --directory --owner ictus --group ictus /var/lib/ictus
COPY --from=packages /app /app
COPY --from=web /src/frontend/dist /app/web
ENV PATH=/app/bin:$PATH \
    PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp MPLCONFIGDIR=/tmp/matplotlib \
    ICTUS_SECRETS_DIR=/run/secrets ICTUS_STATIC_DIR=/app/web
USER ictus
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
CMD ["uvicorn", "--factory", "gateway.app:create_production_app", "--host", "0.0.0.0", "--port", "8000", "--no-access-log", "--timeout-graceful-shutdown", "10"]
