"""The gallery as the studio uses it: listed, searched, favoured, deleted, given back."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

from app.studio.errors import NotFound
from app.studio.gallery.favourites import Favourites
from app.studio.gallery.folder import PICTURE_ID, Folder, day_of, read_whole, writable
from app.studio.gallery.index import Index, Row
from app.studio.gallery.info import PictureInfo, read_info
from app.studio.gallery.query import Query
from app.studio.gallery.sync import Sync
from app.studio.gallery.thumbnails import Thumbnails
from app.studio.gallery.trash import Trash
from pipelines.errors import StudioError
from pipelines.images import Door
from pipelines.metadata import read_facts, read_recipe
from pipelines.picture import Facts
from pipelines.recipe import Recipe

log = logging.getLogger(__name__)

EVERYTHING = Query()


class Gallery:
    """Pictures under `outputs`; index and thumbnails in the folder `data`, where they can be lost.

    `version` grows with every change, and `on_change` is called. Safe to use from any thread.
    Raises StorageError when the index cannot be written.
    """

    def __init__(
        self,
        outputs: Path,
        data: Path,
        on_change: Callable[[], object] = lambda: None,
        door: Door | None = None,
    ) -> None:
        self.version = 0
        self._door = door or Door()
        self._on_change = on_change
        self._counting = threading.Lock()
        self._folder = Folder(outputs)
        self._favourites = Favourites(outputs)
        self._trash = Trash(outputs)
        self._thumbnails = Thumbnails(data / "thumbnails", self._door)
        self._index = Index(data / "gallery.sqlite", self._catch_up)
        self._sync = Sync(self._folder, self._index, self._favourites, self._changed)

    def start(self) -> None:
        """Catch up with the folder in the background, and empty the trash of what is old."""
        threading.Thread(target=self._trash.empty, args=[date.today()], daemon=True).start()
        self._sync.start()

    def close(self) -> None:
        """End the background work and let go of the index."""
        self._sync.close()
        self._index.close()
        self._door.close()

    def folder(self, day: date) -> Path:
        """The folder for pictures made on a day, ready to be written to. Raises StorageError."""
        return writable(self._folder.outputs / day.isoformat())

    def add(self, picture: str) -> None:
        """Take in a picture that was just saved. Never raises: its file is there in any case."""
        try:
            file = self.path(picture)
            info = read_info(file, picture in self._favourites.all())
            row = info and Row(info, file.parent.name, file.stat().st_mtime_ns)
            if row and self._index.put([row])[0]:
                self._changed()
        except (OSError, StudioError):
            log.exception("The picture %s is not in the index yet", picture)

    def search(
        self,
        limit: int,
        before: str | None = None,
        query: Query = EVERYTHING,
        offset: int = 0,
    ) -> list[PictureInfo]:
        """Pictures that match, newest first: at most `limit` of those older than the picture
        `before`, after `offset` more. Asked for the start, the folder itself is looked at."""
        if before is None and offset == 0:
            self._sync.look()
        return self._index.search(query, limit, before, offset)

    def days(self, query: Query = EVERYTHING) -> list[tuple[str, int]]:
        """Days on which matching pictures were made, newest first, and how many of each."""
        self._sync.look()
        return self._index.days(query)

    def checkpoints(self) -> list[tuple[str, int]]:
        """Names of the checkpoints that made pictures, and how many of each."""
        return self._index.checkpoints()

    def info(self, picture: str) -> PictureInfo:
        """What is known of a picture, its prompts in full. Raises NotFound."""
        info = read_info(self.path(picture), picture in self._favourites.all())
        if info is None:
            raise NotFound("This picture cannot be read.", "Its file may be damaged.")
        return info

    def path(self, picture: str) -> Path:
        """The file of a picture. Raises NotFound, also for anything that is no id."""
        file = self._folder.find(picture)
        if file is None:
            raise NotFound("This picture is not in the folder any more.", "Choose another one.")
        return file

    def data(self, picture: str) -> bytes:
        """The bytes of a picture's file. Raises NotFound."""
        return read_whole(self.path(picture))

    def thumbnail(self, picture: str) -> Path:
        """A JPEG of the picture, at most 384 pixels wide and high. Raises NotFound."""
        return self._thumbnails.of(self.path(picture))

    def recipe(self, picture: str) -> Recipe:
        """The recipe a picture carries. Raises NotFound, RecipeFileError or RequestError."""
        return read_recipe(self.path(picture))

    def facts(self, picture: str) -> Facts:
        """How a picture was made. Raises NotFound or RecipeFileError."""
        return read_facts(self.path(picture))

    def favour(self, picture: str, favourite: bool) -> None:
        """Make a picture a favourite, or not. Raises NotFound or StorageError."""
        self.path(picture)
        self._favourites.mark(picture, favourite)
        if self._index.favour(self._favourites.all()):
            self._changed()

    def there(self, picture: str) -> bool:
        """Whether a picture lies where it was saved; asks for one file alone."""
        return self._folder.file(day_of(picture), picture).is_file()

    def delete(self, pictures: Iterable[str]) -> list[str]:
        """Move pictures to the trash; returns those that were there. Raises StorageError."""
        gone: list[str] = []
        try:
            for picture in pictures:
                file = self._folder.find(picture)
                if file is None:
                    continue
                self._trash.take(file, date.today())
                self._index.remove(file.parent.name, [picture])
                self._thumbnails.remove(picture)
                gone.append(picture)
        finally:
            if gone:
                self._changed()
        return gone

    def restore(self, pictures: Iterable[str]) -> list[str]:
        """Give pictures back from the trash; returns those that came. Raises StorageError."""
        back: list[str] = []
        for picture in pictures:
            if PICTURE_ID.fullmatch(picture) and self._trash.give_back(picture):
                self.add(picture)
                back.append(picture)
        return back

    def _catch_up(self) -> None:
        self._changed()
        self._sync.wake()

    def _changed(self) -> None:
        with self._counting:
            self.version += 1
        self._on_change()
