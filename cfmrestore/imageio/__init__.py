"""Image files: one reader, one writer, and what belongs to pixels."""

from cfmrestore.imageio.picture import Metadata, Picture, color_of, flattened
from cfmrestore.imageio.pillow import from_pil, to_pil
from cfmrestore.imageio.reading import (
    EXTENSIONS,
    check_folder,
    images_by_name,
    list_images,
    read_image,
    read_label_map,
    read_picture,
    read_size,
    some_images,
)
from cfmrestore.imageio.writing import SUFFIXES, canvas, check_folder_writable, check_writable, write_picture

__all__ = [
    "EXTENSIONS",
    "SUFFIXES",
    "Metadata",
    "Picture",
    "canvas",
    "check_folder",
    "check_folder_writable",
    "check_writable",
    "color_of",
    "flattened",
    "from_pil",
    "images_by_name",
    "list_images",
    "read_image",
    "read_label_map",
    "read_picture",
    "read_size",
    "some_images",
    "to_pil",
    "write_picture",
]
