"""The gallery: a folder of pictures, which is the truth, and an index of it, which is not.

folder.py       where pictures lie, and what is a picture's id
info.py         what one file says of itself
index.py        SQLite: lists and searches in milliseconds, rebuilt from the folder at any time
sync.py         brings the index up to the folder, at once or in the background
favourites.py   the artist's choice, as a text file beside the pictures
trash.py        deleted pictures, for thirty days
thumbnails.py   small versions
gallery.py      all of it as one
"""

from app.studio.gallery.folder import PICTURE_ID, writable
from app.studio.gallery.gallery import Gallery
from app.studio.gallery.info import PictureInfo
from app.studio.gallery.query import Query
from app.studio.gallery.thumbnails import THUMBNAIL_SIDE

__all__ = ["PICTURE_ID", "THUMBNAIL_SIDE", "Gallery", "PictureInfo", "Query", "writable"]
