"""Which store the settings name: a bucket, or else a folder."""

from service.bucket_store import BucketStore
from service.folder_store import FolderStore
from service.settings import Settings
from service.store import Store


def open_store(settings: Settings) -> Store:
    """The store of this process."""
    if settings.store_url is None:
        return FolderStore(settings.store_dir)
    return BucketStore(
        settings.store_url, settings.data_dir / "scratch", allow_http=settings.store_allow_http
    )
