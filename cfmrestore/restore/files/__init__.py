"""Image files, read and written without losing anything."""

from cfmrestore.restore.files.picture import Metadata, Picture, to_pil
from cfmrestore.restore.files.reading import from_pil, read_picture
from cfmrestore.restore.files.writing import check_writable, write_picture

__all__ = ["Metadata", "Picture", "check_writable", "from_pil", "read_picture", "to_pil", "write_picture"]
