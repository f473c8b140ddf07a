"""Read stored images, from a folder or from an S3 bucket."""

from __future__ import annotations

import hashlib
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wallpapers.errors import PictureRefusedError, SettingError, StoreError, store_errors
from wallpapers.listings.text import one_line
from wallpapers.options.extras import require_for_store
from wallpapers.storage.address import folder_of, store_address
from wallpapers.storage.files import is_below
from wallpapers.storage.local import LocalStorage

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

MISSING, UNREADABLE = "missing", "unreadable"  # reasons of a PictureRefusedError

_CHUNK_BYTES = 1024 * 1024
_TIMEOUT_S, _TRIES = 10, 3  # of a connection, and of each part of a response; Ctrl-C waits for it
_CONNECTIONS = 32
# Error codes that concern a single object; InvalidObjectState: it is archived.
_MISSING_CODES = {"NoSuchKey", "404"}
_UNREADABLE_CODES = {"AccessDenied", "403", "InvalidObjectState"}


class ImageReader(ABC):
    """Read stored images by their path below IMAGES_STORE; may be used by several threads.

    The methods but ``holds`` raise PictureRefusedError if this image cannot be read, with the
    reason MISSING or UNREADABLE, and StoreError if no image can be.
    """

    @abstractmethod
    def holds(self, path: str, size: int) -> bool:
        """Return whether *path* is a file of this size; a bucket is assumed to have it."""

    @abstractmethod
    def read(self, path: str) -> bytes:
        """Return the content of an image."""

    @abstractmethod
    def checksum(self, path: str) -> str:
        """Return the sha256 (hex) of an image, of which only a part is in memory."""

    @abstractmethod
    def as_file(self, path: str) -> AbstractContextManager[Path]:
        """Provide a local file with the content of an image during the block."""


class FolderReader(ImageReader):
    """Read images of a folder."""

    def __init__(self, storage: LocalStorage) -> None:
        self._storage = storage

    def holds(self, path: str, size: int) -> bool:
        return is_below(path) and self._storage.holds(path, size)

    def read(self, path: str) -> bytes:
        content = self._storage.find(path)
        if content is None:
            raise PictureRefusedError(UNREADABLE if self._storage.holds(path) else MISSING)
        return content

    def checksum(self, path: str) -> str:
        checksum = self._storage.checksum(path) if is_below(path) else None
        if checksum is None:
            raise PictureRefusedError(MISSING)
        return checksum

    def as_file(self, path: str) -> AbstractContextManager[Path]:
        return nullcontext(self._storage.root / path)


class BucketReader(ImageReader):
    """Read images of an S3 bucket, at *address*, with the settings ``AWS_*`` of a crawl."""

    def __init__(self, address: str, settings: BaseSettings) -> None:
        self._bucket, _, self._prefix = address.removeprefix("s3://").partition("/")
        self._client = _client_of(settings)

    def holds(self, path: str, size: int) -> bool:
        return is_below(path)

    def read(self, path: str) -> bytes:
        file = BytesIO()
        self._copy(path, file.write)
        return file.getvalue()

    def checksum(self, path: str) -> str:
        hashed = hashlib.sha256()
        self._copy(path, hashed.update)
        return hashed.hexdigest()

    @contextmanager
    def as_file(self, path: str) -> Iterator[Path]:
        with tempfile.NamedTemporaryFile(prefix="wallpapers-") as file:
            self._copy(path, file.write)
            file.flush()
            yield Path(file.name)

    def _copy(self, path: str, write: Callable[[bytes], object]) -> None:
        """Call *write* with one part of an image after the other."""
        from botocore import exceptions

        try:
            response = self._client.get_object(Bucket=self._bucket, Key=f"{self._prefix}{path}")
        except exceptions.ClientError as error:
            answer = error.response["Error"]
            if answer["Code"] in _MISSING_CODES:
                raise PictureRefusedError(MISSING) from error
            if answer["Code"] in _UNREADABLE_CODES:
                raise PictureRefusedError(UNREADABLE, answer["Message"]) from error
            raise StoreError(f"{path}: {one_line(str(error))}") from error
        except exceptions.BotoCoreError as error:
            raise StoreError(f"{path}: {one_line(str(error))}") from error
        with store_errors(Path(tempfile.gettempdir())):
            try:
                for chunk in response["Body"].iter_chunks(_CHUNK_BYTES):
                    write(chunk)
            except exceptions.BotoCoreError as error:  # the connection broke
                raise PictureRefusedError(UNREADABLE, one_line(str(error))) from error


def reader_of(settings: BaseSettings) -> ImageReader:
    """Return the reader for IMAGES_STORE. Raises UserError."""
    uri = str(settings["IMAGES_STORE"])
    if folder_of(uri) is not None:
        return FolderReader(LocalStorage(uri))
    if not uri.startswith("s3://"):
        raise SettingError(f"images can be read from a folder or s3://, IMAGES_STORE is {uri!r}")
    return BucketReader(store_address(uri), settings)


def _client_of(settings: BaseSettings) -> Any:
    """Return a client of botocore, configured as Scrapy's own client is. Raises UserError."""
    require_for_store("s3")
    import botocore.session
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        connect_timeout=_TIMEOUT_S,
        read_timeout=_TIMEOUT_S,
        retries={"mode": "standard", "total_max_attempts": _TRIES},
        max_pool_connections=_CONNECTIONS,
    )
    try:
        return botocore.session.get_session().create_client(
            "s3",
            aws_access_key_id=settings["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=settings["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=settings["AWS_SESSION_TOKEN"],
            endpoint_url=settings["AWS_ENDPOINT_URL"],
            region_name=settings["AWS_REGION_NAME"],
            use_ssl=settings["AWS_USE_SSL"],
            verify=settings["AWS_VERIFY"],
            config=config,
        )
    except (ValueError, BotoCoreError) as error:
        raise SettingError(f"cannot access S3: {one_line(str(error))}") from error
