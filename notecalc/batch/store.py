"""Where the files of a run lie: a folder, or any place that fsspec knows. A file is there when it is whole."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, cast

from notecalc.batch.failpoints import reach
from notecalc.errors import NotecalcError, TermError

__all__ = ["Folder", "Remote", "Store", "StoreError", "Stored", "open_store"]

_UNFINISHED = ".unfinished-"
_S3 = {"s3", "s3a"}
_AT_ONCE = 5 * 2**30  # bytes, the most that S3 takes in one request


class StoreError(NotecalcError, OSError):
    """A file of a run can't be written or read."""


@dataclass(frozen=True)
class Stored:
    """What a place says of a file without reading it: its bytes, and what changes whenever it is written.

    That is S3's ETag, in a folder the time of the last change; elsewhere it is empty.
    """

    size: int
    tag: str


class Store(Protocol):
    """Files by their path within a run."""

    def put(self, path: str, data: bytes) -> str:
        """Write a file, which is there when it is whole; give its tag, see `Stored`."""

    def get(self, path: str) -> bytes:
        """Read a file."""

    def size(self, path: str) -> int | None:
        """Bytes of a file; None if there is none."""

    def files(self, folder: str) -> dict[str, Stored]:
        """Give the files in a folder of the run by their paths, in order."""

    def open(self, path: str) -> IO[bytes]:
        """Open a file to read parts of it."""

    def sweep(self, folders: Iterable[str]) -> int:
        """Remove what writers that were killed left behind in the run's own folders, and count it."""


@dataclass(frozen=True)
class Folder:
    """A folder of this machine, or one that all machines share: written beside, synced, renamed."""

    path: Path

    def put(self, path: str, data: bytes) -> str:
        """Write a file, which is there when it is whole, also after the machine fails; give its tag."""
        target = self.path / path
        beside = target.with_name(f"{_UNFINISHED}{uuid.uuid4().hex}")
        reach("before-write")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                with beside.open("wb") as file:
                    file.write(data)
                    reach("after-write")
                    file.flush()
                    os.fsync(file.fileno())
                    tag = _tag(os.fstat(file.fileno()))
                reach("after-sync")
                beside.replace(target)
                reach("after-rename")
            except BaseException:
                with contextlib.suppress(OSError):
                    beside.unlink(missing_ok=True)
                raise
            _sync_folder(target.parent)
        except OSError as error:
            raise StoreError(f"{target} can't be written: {error.strerror or error}") from error
        return tag

    def get(self, path: str) -> bytes:
        """Read a file."""
        try:
            return (self.path / path).read_bytes()
        except OSError as error:
            raise StoreError(f"{self.path / path} can't be read: {error.strerror or error}") from error

    def size(self, path: str) -> int | None:
        """Bytes of a file; None if there is none."""
        file = self.path / path
        return file.stat().st_size if file.is_file() else None

    def files(self, folder: str) -> dict[str, Stored]:
        """Give the files in a folder of the run by their paths, in order."""
        found = {}
        try:
            with os.scandir(self.path / folder) as entries:
                for entry in entries:
                    if entry.is_file() and not entry.name.startswith(_UNFINISHED):
                        status = entry.stat()
                        found[f"{folder}/{entry.name}"] = Stored(status.st_size, _tag(status))
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except OSError as error:
            raise StoreError(f"{self.path / folder} can't be listed: {error.strerror or error}") from error
        return dict(sorted(found.items()))

    def open(self, path: str) -> IO[bytes]:
        """Open a file to read parts of it."""
        return (self.path / path).open("rb")

    def sweep(self, folders: Iterable[str]) -> int:
        """Remove what writers that were killed left behind in the run's own folders, and count it."""
        left = [file for folder in ("", *folders) for file in (self.path / folder).glob(f"{_UNFINISHED}*")]
        for file in left:
            file.unlink(missing_ok=True)
        return len(left)


@dataclass(frozen=True)
class Remote:
    """A place that fsspec knows, such as ``s3://bucket/run``.

    Object stores show an object when it is whole; on other systems (SFTP) a file may be there in part. Credentials come
    from the environment of each process that writes (for S3 what boto reads: ``AWS_ACCESS_KEY_ID`` and the like, its
    files, the machine's role; ``AWS_ENDPOINT_URL`` names another server); those given as options travel to workers.
    """

    url: str
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def conditional(self) -> bool:
        """Whether it writes on condition; of S3 this is known."""
        return self._scheme in _S3

    def put(self, path: str, data: bytes) -> str:
        """Write a file, which is there when it is whole; give its tag."""
        reach("before-write")
        with self._errors(path, "written"):
            answer = self._system.pipe_file(self._at(path), data, **self._at_once)
        reach("after-rename")
        return str(answer.get("ETag", "")) if isinstance(answer, dict) else ""

    def put_if(self, path: str, data: bytes, *, replacing: str | None) -> str | None:
        """Write a file where there is none, or in place of the one with a tag; give its tag, None if it isn't so."""
        condition = {"IfNoneMatch": "*"} if replacing is None else {"IfMatch": replacing}
        try:
            with self._errors(path, "written"):
                answer = self._system.pipe_file(self._at(path), data, **condition, **self._at_once)
            return str(answer["ETag"])
        except StoreError as error:
            if not _unmet(error):
                raise
        # A request that is repeated because its answer got lost meets what it wrote itself.
        with contextlib.suppress(StoreError):
            tag = self.tag(path)
            return tag if self.get(path) == data else None
        return None

    def tag(self, path: str) -> str | None:
        """Give what changes with a file's content; None if there is no file."""
        told = self._info(path)
        return None if told is None else str(told["ETag"])

    def get(self, path: str) -> bytes:
        """Read a file."""
        with self._errors(path, "read"):
            return cast(bytes, self._system.cat_file(self._at(path)))

    def size(self, path: str) -> int | None:
        """Bytes of a file; None if there is none."""
        told = self._info(path)
        return None if told is None else int(told["size"])

    def files(self, folder: str) -> dict[str, Stored]:
        """Give the files in a folder of the run by their paths, in order."""
        with self._errors(folder, "listed"):
            try:
                found = self._system.ls(self._at(folder), detail=True)
            except FileNotFoundError:
                return {}
        files = {f"{folder}/{told['name'].rpartition('/')[2]}": told for told in found if told["type"] == "file"}
        return {path: Stored(int(told["size"]), str(told.get("ETag", ""))) for path, told in sorted(files.items())}

    def open(self, path: str) -> IO[bytes]:
        """Open a file to read parts of it."""
        with self._errors(path, "read"):
            return cast(IO[bytes], self._system.open(self._at(path), "rb"))

    def remove(self, path: str) -> None:
        """Remove a file."""
        with self._errors(path, "removed"):
            self._system.rm_file(self._at(path))

    def sweep(self, folders: Iterable[str]) -> int:  # noqa: ARG002 (of no use here)
        """Nothing is left behind: a file goes up in one request, and one that ends early leaves no object."""
        return 0

    @property
    def _scheme(self) -> str:
        return self.url.partition("://")[0]

    @property
    def _at_once(self) -> dict[str, Any]:
        """Have s3fs write in one request: one in parts that is killed leaves parts that are unseen, and paid for."""
        return {"chunksize": _AT_ONCE} if self._scheme in _S3 else {}

    @property
    def _system(self) -> Any:
        try:
            import fsspec  # an optional part
        except ImportError as error:
            raise StoreError(f"{self.url} needs fsspec: install notecalc[cluster]") from error
        try:
            # Listings that fsspec keeps would hide what other processes write.
            return fsspec.filesystem(self._scheme, use_listings_cache=False, **dict(self.options))
        except (ImportError, ValueError) as error:  # the scheme's own package is missing, or it is misspelt
            raise StoreError(f"{self.url} can't be reached: {error}") from error

    def _info(self, path: str) -> dict[str, Any] | None:
        with self._errors(path, "read"):
            try:
                told = cast(dict[str, Any], self._system.info(self._at(path)))
            except FileNotFoundError:
                return None
        return told if told["type"] == "file" else None

    def _at(self, path: str) -> str:
        return f"{self.url.partition('://')[2].rstrip('/')}/{path}"

    @contextlib.contextmanager
    def _errors(self, path: str, done: str) -> Iterator[None]:
        try:
            yield
        except StoreError:
            raise
        except Exception as error:
            raise StoreError(f"{self.url}/{path} can't be {done}: {error}") from error


def _unmet(error: BaseException) -> bool:
    """Tell whether a condition wasn't met (412), or another's write was under way (409)."""
    cause = error.__cause__
    response = getattr(cause, "response", None)
    if isinstance(response, dict):
        return response.get("ResponseMetadata", {}).get("HTTPStatusCode") in {409, 412}
    return cause is not None and _unmet(cause)


def open_store(place: str | Path, **options: Any) -> Store:
    """Give the store at a folder or a URL; `options` are those of the URL's file system in fsspec."""
    text = os.fspath(place)
    if "://" in text and not text.startswith("file://"):
        return Remote(text.rstrip("/"), tuple(sorted(options.items())))
    if options:
        raise TermError("storage_options", rule="left out for a folder", got=sorted(options))
    return Folder(Path(text.removeprefix("file://")).absolute())


def _tag(status: os.stat_result) -> str:
    return str(status.st_mtime_ns)


def _sync_folder(folder: Path) -> None:
    """Have a rename survive a failure of the machine."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
