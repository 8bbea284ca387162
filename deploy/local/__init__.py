"""The local stack: PostgreSQL, Redis, S3 and MLflow from wheels, and every Ictus process, on one machine.

``supervisord.conf`` declares the processes, `local.stack.LocalStack` runs any set of them, for ``make run``
as for the tests. Nothing here is needed in production.
"""
