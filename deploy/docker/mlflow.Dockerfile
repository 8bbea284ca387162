# The model registry's server: metadata in PostgreSQL, files through it to S3. Build from the repository's root.
FROM python:3.11-slim AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements/mlflow.txt /src/requirements/
RUN python -m venv /app && /app/bin/pip install --quiet --no-deps --require-hashes -r /src/requirements/mlflow.txt

FROM python:3.11-slim
RUN useradd --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin ictus
COPY --from=packages /app /app
COPY deploy/docker/mlflow-entrypoint /usr/local/bin/
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOME=/tmp \
    MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false AWS_EC2_METADATA_DISABLED=true
USER ictus
EXPOSE 5000
HEALTHCHECK --interval=10s --timeout=5s --start-period=90s --retries=6 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5000/health', timeout=4)"]
ENTRYPOINT ["mlflow-entrypoint"]
CMD ["mlflow", "server", "--host", "0.0.0.0", "--port", "5000", "--workers", "1", "--serve-artifacts", "--artifacts-destination", "s3://mlflow"]
