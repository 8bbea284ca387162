"""The wheel servers as the tests and `make run` use them."""

import io
import os
import signal
from pathlib import Path

import psycopg2
import pytest
import redis
from minio import Minio
from minio.error import S3Error

from local.errors import StackError
from local.secret_files import MLFLOW_BUCKET, S3_BUCKET
from local.stack import LocalStack
from local.supervisor_client import wait_for


def test_service_role_owns_its_schema_and_reaches_no_other(postgres):
    with postgres.fresh_database("gateway") as gateway, postgres.fresh_database("feedback") as feedback:
        with psycopg2.connect(gateway.replace("+psycopg2", "")) as connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE person (name text)")
            cursor.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'person'")
            assert cursor.fetchone() == ("gateway",)
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute("CREATE TABLE public.person (name text)")
        connection.close()
        stranger = gateway.replace("+psycopg2", "").rpartition("/")[0] + "/" + feedback.rpartition("/")[2]
        with pytest.raises(psycopg2.OperationalError, match="permission denied"):
            psycopg2.connect(stranger)


def test_redis_and_s3_let_in_only_with_their_secrets(redis_server, s3):
    assert redis.Redis.from_url(redis_server.url).ping()
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=int(redis_server.url.rpartition(":")[2].split("/")[0])).ping()
    client = Minio(endpoint=s3.endpoint, access_key=s3.access_key, secret_key=s3.secret_key, secure=False)
    client.make_bucket(bucket_name="first-come")
    assert client.bucket_exists(bucket_name="first-come")


@pytest.mark.parametrize("account", ["s3_reader", "s3_scans"])
def test_the_readers_of_objects_read_the_scans_and_may_do_nothing_else(server_stack, s3, account):
    secrets = server_stack.credentials
    owner = Minio(endpoint=s3.endpoint, access_key=s3.access_key, secret_key=s3.secret_key, secure=False)
    for bucket in (S3_BUCKET, MLFLOW_BUCKET):
        if not owner.bucket_exists(bucket_name=bucket):
            owner.make_bucket(bucket_name=bucket)
        owner.put_object(bucket_name=bucket, object_name="probe", data=io.BytesIO(b"scan"), length=4)
    reader = Minio(
        endpoint=s3.endpoint,
        access_key=getattr(secrets, f"{account}_access_key"),
        secret_key=getattr(secrets, f"{account}_secret_key"),
        secure=False,
    )
    assert reader.get_object(bucket_name=S3_BUCKET, object_name="probe").read() == b"scan"
    for forbidden in (
        lambda: reader.put_object(
            bucket_name=S3_BUCKET, object_name="other", data=io.BytesIO(b"x"), length=1
        ),
        lambda: reader.remove_object(bucket_name=S3_BUCKET, object_name="probe"),
        lambda: reader.get_object(bucket_name=MLFLOW_BUCKET, object_name="probe"),
        lambda: reader.make_bucket(bucket_name="mine"),
    ):
        with pytest.raises(S3Error, match="AccessDenied"):
            forbidden()
    assert owner.get_object(bucket_name=S3_BUCKET, object_name="probe").read() == b"scan"


def test_stack_keeps_its_data_across_a_kill_and_a_stop_and_leaves_no_process(tmp_path_factory):
    folder = Path(tmp_path_factory.mktemp("s"))
    with LocalStack(folder, processes=("redis",)) as stack:
        url = f"redis://:{stack.credentials.redis_password}@127.0.0.1:{stack.ports['redis']}/0"
        redis.Redis.from_url(url).set("kept", "yes")
        killed = stack.kill("redis")
        stack.wait_ready("redis")
        assert stack.pid("redis") != killed
        last = stack.pid("redis")
        with pytest.raises(StackError, match="already runs"):
            LocalStack(folder).prepare()
    with pytest.raises(ProcessLookupError):
        os.kill(last, 0)
    with LocalStack(folder, processes=("redis",)):
        assert redis.Redis.from_url(url).get("kept") == b"yes"


def test_killed_supervisor_takes_its_processes_along(tmp_path_factory):
    stack = LocalStack(Path(tmp_path_factory.mktemp("s")))
    stack.prepare()
    stack.start_process("redis")
    pid = stack.pid("redis")
    os.kill(stack.supervisor.pid(), signal.SIGKILL)
    wait_for(lambda: not Path(f"/proc/{pid}").exists(), timeout_s=10, waiting_for="redis to end")
