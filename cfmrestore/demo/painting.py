"""Painting in the page: what is to be filled is painted over, or white in the file of a mask."""

from collections.abc import Callable
from typing import Any

import gradio as gr

from cfmrestore.demo import holes, uploads
from cfmrestore.demo.handling import pass_file_on, pass_layer_on, show_errors

BRUSH = ("#14b8a6", 0.6)  # color and opacity: what is below stays visible
BRUSH_SIZE = 32  # radius, in pixels of the canvas
QUIET = {"show_progress": "hidden", "api_visibility": "private"}


class Painting:
    """The place where one paints, which takes that of the upload once there is a picture.

    Gradio makes a component anew that an event changes beyond its value, without what ``handling`` did to it: what
    appears and disappears here is what stands around the components.
    """

    def __init__(self, upload: Callable[[], Any], limits: uploads.Limits) -> None:
        self.limits = limits
        with gr.Column() as self.upload:
            self.picture = upload()
        with gr.Column(visible=False) as self.canvas:
            self.editor = gr.ImageEditor(
                label="Paint here", sources=(), transforms=(), layers=False, format="png",
                brush=gr.Brush(default_size=BRUSH_SIZE, colors=[BRUSH], default_color=BRUSH, color_mode="fixed"),
                eraser=gr.Eraser(default_size=BRUSH_SIZE), buttons=["fullscreen"], elem_id="editor",
            )  # fmt: skip
            another = gr.Button("Another picture", size="sm", elem_id="another")
        pass_layer_on(self.editor)
        with gr.Accordion("A mask from a file", open=False, elem_id="from-file"):
            self.mask = gr.Image(
                type="filepath", image_mode=None, sources=["upload", "clipboard"], height=160, elem_id="mask",
                label="White where your picture is to be filled", placeholder="Drop a mask of the picture's size here",
            )  # fmt: skip
        pass_file_on(self.mask)
        self.mask.upload(self._check_mask(), [self.picture, self.mask], None, **QUIET).failure(
            lambda: None, None, self.mask, **QUIET
        )
        parts = [self.picture, self.editor, self.mask, self.upload, self.canvas]
        self.left = another.click(lambda: [None, None, None, gr.Column(visible=True), gr.Column(visible=False)],
                                  None, parts, **QUIET)  # fmt: skip

    @property
    def given(self) -> list[Any]:
        """What is told of the holes, for the arguments of ``holes_of``."""
        return [self.editor, self.mask]

    def open_after(self, checked: Any) -> None:
        """Show the picture that was uploaded, to paint on it."""

        @show_errors
        def show(path: str) -> list[Any]:
            value = {"background": holes.canvas_of(path, self.limits), "layers": [], "composite": None}
            return [value, gr.Column(visible=False), gr.Column(visible=True)]

        checked.success(show, self.picture, [self.editor, self.upload, self.canvas], **QUIET)

    def _check_mask(self) -> Callable[..., None]:
        """A mask that cannot be the picture's is refused before anyone waits for it."""

        @show_errors
        def check(path: str | None, mask: str | None) -> None:
            if path and mask:
                size = uploads.open_upload(path, self.limits).size
                holes.holes_of(size, painted=None, file=mask, limits=self.limits)

        return check
