from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.store import Store, mapped

pytestmark = pytest.mark.asyncio


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


async def test_what_is_put_is_there_and_streams(store: Store):
    await store.put("a/b", b"content" * 500_000)
    size, pieces = await store.stream("a/b")
    assert size == 3_500_000 and b"".join([piece async for piece in pieces]) == await store.get("a/b")


async def test_an_object_exists_only_once_its_writer_is_closed(store: Store):
    writer = store.open_writer("a/b")
    await writer.write(bytes(3 << 20))
    assert not await store.exists("a/b")
    await writer.close()
    assert len(await store.get("a/b")) == 3 << 20


async def test_an_abandoned_writer_leaves_nothing(store: Store):
    writer = store.open_writer("a/b")
    await writer.write(bytes(3 << 20))
    del writer
    await store.delete("a")
    assert [path for path in store.root.rglob("*") if path.is_file()] == []


async def test_objects_are_mapped_and_an_empty_one_is_empty(store: Store):
    await store.put("a", b"content")
    await store.put("b", b"")
    assert [bytes(part) for part in mapped(store.root, ["a", "b"])] == [b"content", b""]
    with pytest.raises(FileNotFoundError):
        mapped(store.root, ["c"])


async def test_a_deleted_prefix_takes_its_folders_along(store: Store):
    await store.put("a/1/x", b"1")
    await store.put("a/2/x", b"2")
    await store.delete("a/1")
    await store.delete("none")
    assert (await store.exists("a/1/x"), await store.exists("a/2/x")) == (False, True)
    assert not (store.root / "a" / "1").exists()


async def test_old_objects_are_found(store: Store):
    await store.put("a/1", b"1")
    now = datetime.now(UTC)
    assert await store.older_than("a", now - timedelta(hours=1)) == []
    assert await store.older_than("a", now + timedelta(hours=1)) == ["a/1"]


async def test_a_file_that_was_made_is_moved_in_whole(store: Store):
    with store.scratch() as path:
        path.write_bytes(b"a map")
        await store.put_file("a/b", path)
    assert await store.get("a/b") == b"a map"


async def test_a_file_that_was_not_moved_in_is_removed(store: Store):
    with store.scratch() as path:
        path.write_bytes(b"half of a map")
    assert not path.exists()
