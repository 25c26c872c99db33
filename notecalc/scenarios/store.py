"""Where the files of a run lie: a folder, or any place that fsspec knows. A file is there when it is whole."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, cast

from notecalc.errors import NotecalcError
from notecalc.scenarios.failpoints import reach

__all__ = ["Folder", "Remote", "Store", "StoreError", "open_store"]

_UNFINISHED = ".unfinished-"


class StoreError(NotecalcError, OSError):
    """A file of a run can't be written or read."""


class Store(Protocol):
    """Files by their path within a run."""

    def put(self, path: str, data: bytes) -> None:
        """Write a file, which is there when it is whole."""

    def get(self, path: str) -> bytes:
        """Read a file."""

    def size(self, path: str) -> int | None:
        """Bytes of a file; None if there is none."""

    def list(self, folder: str) -> list[str]:
        """Give the paths of the files in a folder of the run, in order."""

    def open(self, path: str) -> IO[bytes]:
        """Open a file to read parts of it."""

    def sweep(self) -> int:
        """Remove what writers that were killed left behind, and count it."""


@dataclass(frozen=True)
class Folder:
    """A folder of this machine, or one that all machines share: written beside, synced, renamed."""

    path: Path

    def put(self, path: str, data: bytes) -> None:
        """Write a file, which is there when it is whole, also after the machine fails."""
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

    def list(self, folder: str) -> list[str]:
        """Give the paths of the files in a folder of the run, in order."""
        files = (self.path / folder).glob("*")
        return sorted(f"{folder}/{file.name}" for file in files if not file.name.startswith(_UNFINISHED))

    def open(self, path: str) -> IO[bytes]:
        """Open a file to read parts of it."""
        return (self.path / path).open("rb")

    def sweep(self) -> int:
        """Remove what writers that were killed left behind, and count it."""
        left = [*self.path.rglob(f"{_UNFINISHED}*")]
        for file in left:
            file.unlink(missing_ok=True)
        return len(left)


@dataclass(frozen=True)
class Remote:
    """A place that fsspec knows, such as ``s3://bucket/run``: object stores show an object when it is whole."""

    url: str
    options: tuple[tuple[str, Any], ...] = ()

    def put(self, path: str, data: bytes) -> None:
        """Write a file, which is there when it is whole."""
        reach("before-write")
        with self._errors(path, "written"):
            self._system.pipe_file(self._at(path), data)
        reach("after-rename")

    def get(self, path: str) -> bytes:
        """Read a file."""
        with self._errors(path, "read"):
            return cast(bytes, self._system.cat_file(self._at(path)))

    def size(self, path: str) -> int | None:
        """Bytes of a file; None if there is none."""
        try:
            return int(self._system.info(self._at(path))["size"])
        except FileNotFoundError:
            return None

    def list(self, folder: str) -> list[str]:
        """Give the paths of the files in a folder of the run, in order."""
        self._system.invalidate_cache()
        try:
            found = self._system.ls(self._at(folder), detail=False)
        except FileNotFoundError:
            return []
        return sorted(f"{folder}/{str(name).rpartition('/')[2]}" for name in found)

    def open(self, path: str) -> IO[bytes]:
        """Open a file to read parts of it."""
        with self._errors(path, "read"):
            return cast(IO[bytes], self._system.open(self._at(path), "rb"))

    def sweep(self) -> int:
        """Nothing is left behind: an upload that ends early leaves no object."""
        return 0

    @property
    def _system(self) -> Any:
        import fsspec  # an optional part: notecalc[cluster]

        return fsspec.filesystem(self.url.partition("://")[0], **dict(self.options))

    def _at(self, path: str) -> str:
        return f"{self.url.partition('://')[2].rstrip('/')}/{path}"

    @contextlib.contextmanager
    def _errors(self, path: str, done: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            raise StoreError(f"{self.url}/{path} can't be {done}: {error}") from error


def open_store(place: str | Path, **options: Any) -> Store:
    """Give the store at a folder or a URL; `options` are those of the URL's file system in fsspec."""
    text = os.fspath(place)
    if "://" in text:
        return Remote(text.rstrip("/"), tuple(sorted(options.items())))
    return Folder(Path(text))


def _sync_folder(folder: Path) -> None:
    """Have a rename survive a failure of the machine."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
