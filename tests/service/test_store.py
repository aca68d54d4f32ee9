"""What every store promises, of a folder and of a bucket on a real S3 server."""

import asyncio
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.bucket_store import BucketStore
from service.errors import StoreUnreachableError
from service.folder_store import FolderStore
from service.store import Store, mapped

pytestmark = pytest.mark.asyncio


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return FolderStore(tmp_path / "store")
    return BucketStore(request.getfixturevalue("bucket_url"), tmp_path / "scratch", allow_http=True)


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_what_is_put_is_there_and_streams(store: Store):
    await store.put("a/b", b"content" * 500_000)
    size, pieces = await store.stream("a/b")
    assert size == 3_500_000 and b"".join([piece async for piece in pieces]) == await store.get("a/b")


async def test_what_is_missing_is_told(store: Store):
    assert not await store.exists("a")
    with pytest.raises(FileNotFoundError):
        await store.get("a")
    with pytest.raises(FileNotFoundError):
        await store.stream("a")


async def test_an_upload_is_there_once_it_is_kept_and_local_while_it_is_received(store: Store):
    content = os.urandom(12 << 20)
    async with store.receiving() as intake:
        for key in ("inputs/a/0", "inputs/a/1"):
            writer = intake.open_writer(key)
            await writer.write(content)
            await writer.close()
        assert (intake.root / "inputs/a/0").read_bytes() == content
        await store.keep(intake, ["inputs/a/0", "inputs/a/1"])
    assert await store.get("inputs/a/1") == content


async def test_a_file_of_an_upload_exists_only_once_its_writer_is_closed(store: Store):
    async with store.receiving() as intake:
        writer = intake.open_writer("inputs/a/0")
        await writer.write(bytes(3 << 20))
        assert not (intake.root / "inputs/a/0").exists()
        await writer.close()
        assert (intake.root / "inputs/a/0").stat().st_size == 3 << 20


async def test_an_upload_that_is_given_up_leaves_nothing(store: Store, tmp_path: Path):
    async with store.receiving() as intake:
        writer = intake.open_writer("inputs/a/0")
        await writer.write(bytes(3 << 20))
        del writer
        await intake.delete("inputs/a")
    assert files_below(tmp_path) == []
    assert await store.older_than("inputs", datetime.now(UTC) + timedelta(hours=1)) == []


async def test_objects_at_hand_are_files_and_an_empty_one_is_empty(store: Store):
    await store.put("a/1", b"content")
    await store.put("a/2", b"")
    async with store.at_hand({"one": ["a/1"], "two": ["a/2", "a/3"]}) as root:
        assert [bytes(part) for part in mapped(root, ["a/1", "a/2"])] == [b"content", b""]
        with pytest.raises(FileNotFoundError):
            mapped(root, ["a/3"])


async def test_many_objects_are_at_hand_at_once(store: Store):
    keys = [f"a/{number:03d}" for number in range(100)]
    await asyncio.gather(*(store.put(key, key.encode()) for key in keys))
    async with store.at_hand({"": keys}) as root:
        assert [bytes(part).decode() for part in mapped(root, keys)] == keys


async def test_a_deleted_prefix_takes_all_below_it_and_nothing_beside_it(store: Store):
    for key in ("a/1/x", "a/1/y/z", "a/10/x"):
        await store.put(key, b"1")
    await store.delete("a/1")
    await store.delete("none")
    assert [await store.exists(key) for key in ("a/1/x", "a/1/y/z", "a/10/x")] == [False, False, True]


async def test_old_objects_are_found(store: Store):
    await store.put("a/1", b"1")
    now = datetime.now(UTC)
    assert await store.older_than("a", now - timedelta(hours=1)) == []
    assert await store.older_than("a", now + timedelta(hours=1)) == ["a/1"]
    assert await store.older_than("none", now) == []


async def test_a_file_that_was_made_is_taken_in_whole(store: Store):
    with store.scratch() as path:
        path.write_bytes(b"a map" * 2_000_000)
        await store.put_file("a/b", path)
    assert await store.get("a/b") == b"a map" * 2_000_000
    assert not path.exists()


async def test_a_file_that_was_not_taken_in_is_removed(store: Store):
    with store.scratch() as path:
        path.write_bytes(b"half of a map")
    assert not path.exists()


async def test_what_killed_processes_left_in_the_scratch_folder_is_swept(store: Store):
    with store.scratch() as path:
        (path.parent / "fetched" / "inputs").mkdir(parents=True)
        (path.parent / "fetched" / "inputs" / "0").write_bytes(b"an upload")
        path.write_bytes(b"half of a map")
        await store.sweep_scratch(timedelta(hours=1))
        assert len(files_below(path.parent)) == 2
        await store.sweep_scratch(-timedelta(hours=1))
        assert list(path.parent.iterdir()) == []


async def test_a_store_that_is_there_says_so(store: Store):
    await store.check()


async def test_a_folders_objects_are_mapped_where_they_are(tmp_path: Path):
    store = FolderStore(tmp_path)
    await store.put("a", b"content")
    async with store.at_hand({"": ["a"]}) as root:
        assert root == store.root == tmp_path


async def test_what_a_killed_process_was_writing_into_a_folder_is_old_one_day(tmp_path: Path):
    """obstore writes under a name with a number sign, and does not list it."""
    store = FolderStore(tmp_path)
    writer = store.open_writer("inputs/a/0")
    await writer.write(bytes(3 << 20))
    [half] = files_below(tmp_path / "inputs")
    assert half.name == "0#1"
    assert await store.older_than("inputs", datetime.now(UTC) + timedelta(hours=1)) == ["inputs/a/0#1"]


async def test_nothing_of_a_bucket_stays_on_the_machine(bucket_url: str, tmp_path: Path):
    store = BucketStore(bucket_url, tmp_path, allow_http=True)
    async with store.receiving() as intake:
        writer = intake.open_writer("inputs/a/0")
        await writer.write(b"an upload")
        await writer.close()
        await store.keep(intake, ["inputs/a/0"])
    async with store.at_hand({"": ["inputs/a/0"]}) as root:
        assert files_below(tmp_path) == [root / "inputs/a/0"]
    assert list(tmp_path.iterdir()) == []


async def test_a_bucket_that_does_not_exist_is_no_missing_object(bucket_url: str, tmp_path: Path):
    store = BucketStore("s3://another", tmp_path, allow_http=True)
    with pytest.raises(StoreUnreachableError, match="does not answer"):
        await store.put("a", b"1")
    with pytest.raises(StoreUnreachableError):
        await store.check()
    keys = [f"inputs/a/{number}" for number in range(50)]
    async with store.receiving() as intake:
        for key in keys:
            await intake.open_writer(key).close()
        with pytest.raises(StoreUnreachableError):
            await store.keep(intake, keys)


async def test_plain_http_is_refused_unless_it_is_allowed(bucket_url: str, tmp_path: Path):
    with pytest.raises(StoreUnreachableError):
        await BucketStore(bucket_url, tmp_path, allow_http=False).put("a", b"1")
