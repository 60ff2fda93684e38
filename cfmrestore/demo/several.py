"""Several pictures at once: where they are dropped, and what comes of them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from cfmrestore.demo.batch import MOST_FILES, Upload, restore_batch
from cfmrestore.demo.handling import pass_files_on, show_errors
from cfmrestore.demo.models import PageModels
from cfmrestore.demo.uploads import Limits, PageSettings

_PROGRESS = gr.Progress()


class Several:
    """Files, a button, what is said of each, and the archive."""

    def __init__(self) -> None:
        with gr.Accordion("Several pictures", open=False, elem_id="several"):
            self.files = gr.File(
                file_count="multiple", file_types=["image"], label=f"Pictures, at most {MOST_FILES}", height=160,
                elem_id="files",
            )  # fmt: skip
            pass_files_on(self.files, Upload)
            self.button = gr.Button("Restore all with these settings", elem_id="restore-all")
            self.download = gr.DownloadButton("Download all as a ZIP file", interactive=False, elem_id="download-all")
        with gr.Column(elem_id="several-said"):  # there from the beginning, so that what comes is read aloud
            self.said = gr.Markdown("", elem_id="said")

    def restore_with(
        self,
        settings_of: Callable[..., PageSettings],
        models: PageModels,
        inputs: list[Any],
        *,
        limits: Limits,
        folder: Path,
        only: dict[str, Any],
    ) -> None:
        """Let the button restore, by the inputs of the left side, of which the last is the model."""

        @show_errors
        def restore(files: list[Upload] | None, *values: Any, progress: Any = _PROGRESS) -> list[Any]:
            *chosen, model = values
            names = ("fidelity", "default", "scale", "samples", "seed", "consistency", "solver", "intervals")
            given = {name: value for name, value in zip(names, chosen, strict=True) if name != "samples"}
            done = restore_batch(
                models, model, files or [], settings_of(**given), limits=limits, folder=folder,
                on_progress=lambda part: progress(part, desc="Restoring"),
            )  # fmt: skip
            archive = None if done.archive is None else str(done.archive)
            lines = "\n".join(f"- {_plain(line)}" for line in done.lines)
            return [lines, gr.DownloadButton(value=archive, interactive=archive is not None)]

        self.button.click(
            restore, [self.files, *inputs], [self.said, self.download], show_progress_on=self.said, **only
        )


def _plain(line: str) -> str:
    """Names of files are no Markdown."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+!<>|" else c for c in line)
