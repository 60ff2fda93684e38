"""Handling of what comes into the page, which is data, and of what goes wrong."""

import html
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

import gradio as gr

_LOG = logging.getLogger(__name__)


def pass_file_on(picture: Any) -> None:
    """Hand an upload on as the file that it is, also a broken one; addresses are not fetched."""
    _take_only_files(picture)
    picture.preprocess = lambda payload: payload and payload.path


def pass_files_on(files: Any, make: Callable[[str, str], Any]) -> None:
    """Hand several uploads on as what is made of their paths and their names; addresses are not fetched."""
    _take_only_files(files)
    files.preprocess = lambda payload: payload and [make(one.path, one.orig_name or one.path) for one in payload]


def pass_layer_on(editor: Any) -> None:
    """Hand on the file of what was painted, and nothing else of an editor; addresses are not fetched."""
    _take_only_files(editor)
    editor.accept_blobs = None  # would keep what anyone sends it in memory
    editor.preprocess = lambda payload: payload.layers[0].path if payload and payload.layers else None


def _take_only_files(component: Any) -> None:
    move = component.async_move_resource_to_block_cache

    async def only_files(path: str | None) -> str | None:
        if path and "://" in path:
            raise gr.Error("Upload a file.", print_exception=False)
        return await move(path)

    component.async_move_resource_to_block_cache = only_files


def show_errors(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose errors stand in the page; those that are no fault of the user's are logged with traceback."""

    @wraps(function)
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except ValueError as error:
            message = html.escape(str(error))
        except Exception as error:
            if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
                message = "There is not enough memory. Take a smaller picture, a smaller scale or fewer samples."
            else:
                _LOG.exception("a picture could not be restored")
                message = "Something went wrong. The window where this page was started says what."
        raise gr.Error(message, print_exception=False)

    return wrapped
