import hashlib
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from ictus.domain.errors import UnavailableError
from ictus.storage import ObjectMissingError, ObjectStore, StorageRefusedError, keys


@pytest.fixture(scope="module")
def store(s3) -> ObjectStore:
    store = ObjectStore(s3.endpoint, s3.access_key, s3.secret_key, f"test-{uuid4().hex}", secure=False)
    store.ensure_bucket()
    return store


def test_what_is_put_comes_back_whole_and_by_range(store: ObjectStore) -> None:
    data = bytes(range(256)) * 64
    store.put_bytes("a/whole", data)
    assert store.get_bytes("a/whole") == data
    assert store.get_range("a/whole", 300, 10) == data[300:310]
    assert store.get_range("a/whole", len(data) - 5, 5) == data[-5:]


def test_empty_object_is_an_object(store: ObjectStore) -> None:
    store.put_bytes("a/empty", b"")
    assert store.get_bytes("a/empty") == b""


def test_large_file_is_sent_in_parts_and_comes_back_the_same(store: ObjectStore, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(bytes(hashlib.sha256(b"ictus").digest()) * 400_000)  # 12.8 MB, three parts
    store.put_file("a/large", source)
    store.get_to_file("a/large", target)
    assert target.read_bytes() == source.read_bytes()
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".part"] == []


def test_put_replaces_what_was_there(store: ObjectStore) -> None:
    store.put_bytes("a/again", b"one")
    store.put_bytes("a/again", b"two")
    assert store.get_bytes("a/again") == b"two"


def test_missing_object_is_told_apart_from_a_missing_server(store: ObjectStore, tmp_path: Path) -> None:
    assert not store.exists("nothing")
    with pytest.raises(ObjectMissingError):
        store.get_bytes("nothing")
    with pytest.raises(ObjectMissingError):
        store.get_to_file("nothing", tmp_path / "nothing")
    assert list(tmp_path.iterdir()) == []


def test_silent_server_is_unavailable() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound but not listening: connections are refused
        endpoint = f"127.0.0.1:{nobody.getsockname()[1]}"
        store = ObjectStore(endpoint, "key", "secret", "bucket", secure=False)
        with pytest.raises(UnavailableError):
            store.ping()
        with pytest.raises(UnavailableError):
            store.put_bytes("a", b"b")


def test_wrong_credentials_are_refused_not_retried(s3, store: ObjectStore) -> None:
    stranger = ObjectStore(s3.endpoint, s3.access_key, "not the secret key", store.bucket, secure=False)
    with pytest.raises(StorageRefusedError):
        stranger.put_bytes("a", b"b")


def test_missing_bucket_does_not_answer_the_ping(s3) -> None:
    store = ObjectStore(s3.endpoint, s3.access_key, s3.secret_key, f"test-{uuid4().hex}", secure=False)
    with pytest.raises(StorageRefusedError):
        store.ping()
    store.ensure_bucket()
    store.ensure_bucket()
    store.ping()


def test_deleting_a_study_leaves_its_neighbour(store: ObjectStore) -> None:
    gone, kept, series = uuid4(), uuid4(), uuid4()
    for study in (gone, kept):
        store.put_bytes(keys.volume_key(study, series), b"volume")
        for number in range(3):
            store.put_bytes(keys.source_key(study, series, number), b"source")
    assert store.delete_prefix(keys.study_prefix(gone)) == 4
    assert list(store.keys(keys.study_prefix(gone))) == []
    assert len(list(store.keys(keys.study_prefix(kept)))) == 4
    with pytest.raises(ValueError, match="ends with"):
        store.delete_prefix("studies")


def test_threads_share_the_store(store: ObjectStore) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.put_bytes(f"threads/{n}", str(n).encode()), range(40)))
        read = list(pool.map(lambda n: store.get_bytes(f"threads/{n}"), range(40)))
    assert read == [str(n).encode() for n in range(40)]


def test_keys_hold_ids_and_numbers_only() -> None:
    study, series, job = UUID(int=1), UUID(int=2), UUID(int=3)
    prefix = keys.result_prefix(study, job, 4)
    assert keys.volume_key(study, series) == f"studies/{study}/series/{series}/volume.safetensors"
    assert keys.source_key(study, series, 7) == f"studies/{study}/series/{series}/source/7.dcm"
    assert prefix == f"studies/{study}/results/{job}/4/"
    assert keys.overlay_key(prefix, series, 9) == f"{prefix}{series}/overlay/9.png"
    assert keys.picture_key(prefix, series, 9) == f"{prefix}{series}/picture/9.jpg"
    assert keys.plain_key(prefix, series, 9) == f"{prefix}{series}/plain/9.jpg"
    assert keys.embedding_key(prefix, series) == f"{prefix}{series}/embedding.safetensors"
    assert keys.report_key(study, job, "report.pdf") == f"studies/{study}/reports/{job}/report.pdf"
