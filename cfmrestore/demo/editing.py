"""The page on which pictures are edited: a slider for each boundary."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from cfmrestore.demo.edits import PageEditor, edit_upload
from cfmrestore.demo.handling import pass_file_on, show_errors
from cfmrestore.demo.uploads import UPLOAD_FORMATS, Limits
from cfmrestore.editing.boundary_edit import names_of

SENTENCE = "Drop a picture of what the model knows, and move it along the attributes of its boundaries."
_MOST = 3  # standard deviations


def build_editing_page(page: PageEditor, *, limits: Limits, folder: Path, keep_seconds: int) -> Any:
    """The page of one model and its boundaries, which writes results into the folder, where they stay for so long."""
    clean = (max(1, keep_seconds // 4), keep_seconds)
    notes = (
        f"{', '.join(sorted(UPLOAD_FORMATS))}, at most {limits.max_side} pixels a side and "
        f"{limits.max_bytes >> 20} MiB; the middle square is brought to {page.side} x {page.side} pixels. Pictures "
        f"stay on the machine that runs this page and are deleted after {max(1, keep_seconds // 60)} minutes."
    )
    with gr.Blocks(title="cfmrestore", analytics_enabled=False, delete_cache=clean) as blocks:
        gr.Markdown(f"# cfmrestore\n{SENTENCE}", elem_id="heading")
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                picture = gr.Image(
                    type="filepath", image_mode=None, sources=["upload", "clipboard"], label="Your picture", height=240,
                    elem_id="picture",
                )  # fmt: skip
                pass_file_on(picture)
                sliders = [
                    gr.Slider(-_MOST, _MOST, 0, step=0.25, label=name, elem_id=f"boundary-{n}", buttons=[])
                    for n, name in enumerate(names_of(page.boundaries))
                ]
                button = gr.Button("Edit", variant="primary", size="lg", elem_id="edit")
            with gr.Column(scale=3, min_width=320):
                shown = gr.ImageSlider(
                    label="Before and after", interactive=False, format="png", buttons=["fullscreen"], max_height=620,
                    elem_id="compare",
                )  # fmt: skip
                summary = gr.Markdown("", elem_id="summary")
                download = gr.DownloadButton("Download the picture", interactive=False, elem_id="download")
        gr.Markdown(notes, elem_id="notes")
        button.click(
            _editing(page, limits, folder), [picture, *sliders], [shown, summary, download], concurrency_limit=1,
            api_visibility="private",
        )  # fmt: skip
    return blocks


def _editing(page: PageEditor, limits: Limits, folder: Path) -> Callable[..., list[Any]]:
    """What the button calls."""

    @show_errors
    def edit(path: str | None, *strengths: float) -> list[Any]:
        if not path:
            raise ValueError("Drop a picture first.")
        done = edit_upload(page, path, strengths, limits=limits, folder=folder)
        before, after = str(done.before), str(done.after)
        return [(before, after), done.summary, gr.DownloadButton(value=after, interactive=True)]

    return edit
