"""The page: its layout, and what its buttons call."""

import html
import logging
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import gradio as gr

from cfmrestore.demo import uploads

MODEL_DEFAULT = "the model's own"
SENTENCE = (
    "Drop a small, blurred or compressed picture: a flow restores it, and shows you where its details are read from "
    "your picture and where they are invented."
)
CSS = """
.gradio-container {
  width: 100% !important; max-width: 1240px !important; margin: 0 auto !important;
  --block-title-background-fill: transparent; --block-title-padding: 0;
  --block-title-text-color: var(--body-text-color);
}
#heading h1 { margin-bottom: 0; }
#heading p { max-width: 44rem; color: var(--body-text-color-subdued); }
#summary { min-height: 1.5rem; }
#summary p, #notes p { color: var(--body-text-color-subdued); }
#notes p { font-size: var(--text-sm); }
@media (max-width: 640px) { .gradio-container .main.fillable { padding: var(--size-4) var(--size-3); } }
"""
FONTS = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}  # which every system has
PROGRESS = gr.Progress()
QUIET = {"show_progress": "hidden", "api_visibility": "private"}
_LOG = logging.getLogger(__name__)


def build_page(restorer: uploads.PageRestorer, *, limits: uploads.Limits, folder: Path, keep_seconds: int) -> Any:
    """The page of one model, which writes results into the folder; after so long they and the uploads are deleted."""
    clean = (max(1, keep_seconds // 4), keep_seconds)
    notes = (
        f"{', '.join(sorted(uploads.UPLOAD_FORMATS))}, at most {limits.max_side} pixels a side and "
        f"{limits.max_bytes >> 20} MiB. Pictures stay on the machine that runs this page and are deleted after "
        f"{max(1, keep_seconds // 60)} minutes."
    )
    with gr.Blocks(title="cfmrestore", analytics_enabled=False, delete_cache=clean) as page:
        gr.Markdown(f"# cfmrestore\n{SENTENCE}", elem_id="heading")
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                picture, inputs, button = _choices(restorer, limits)
            with gr.Column(scale=3, min_width=320):
                shown = _results()
        gr.Markdown(notes, elem_id="notes")
        files = gr.State([], time_to_live=keep_seconds)

        outputs = [files, *shown]
        restore = _restoring(restorer, limits, folder)
        only = {"concurrency_limit": 1, "api_visibility": "private"}
        button.click(restore, [picture, *inputs], outputs, show_progress_on=shown[0], **only)
        _on_upload(picture, outputs, limits)
        shown[1].input(_show_sample, [files, shown[1]], [shown[0], shown[4]], **QUIET)
    return page


def launch(page: Any, *, host: str, port: int, limits: uploads.Limits) -> str:
    """Serve a page in the background: its address. Nothing beside uploads and results can be asked for."""
    theme = gr.themes.Soft(primary_hue="teal", secondary_hue="teal", neutral_hue="slate", **FONTS)
    try:
        _, address, _ = page.launch(
            server_name=host, server_port=port, prevent_thread_lock=True, quiet=True, inbrowser=False, inline=False,
            share=False, allowed_paths=[], max_file_size=limits.max_bytes, enable_monitoring=False, run_history=False,
            footer_links=[], ssr_mode=False, mcp_server=False, pwa=False, theme=theme, css=CSS,
        )  # fmt: skip
    except OSError as error:
        raise ValueError(f"cannot listen at {host}, port {port}: take another --port") from error
    return address


def _choices(restorer: uploads.PageRestorer, limits: uploads.Limits) -> tuple[Any, list[Any], Any]:
    """The left side: the picture, the settings, and the button."""
    picture = gr.Image(
        type="filepath", image_mode=None, sources=["upload", "clipboard"], label="Your picture", height=240,
        elem_id="picture", placeholder=f"Drop a picture here\n\nat most {limits.max_side} pixels a side",
    )  # fmt: skip
    _pass_file_on(picture)
    with gr.Group():
        fidelity = gr.Slider(
            0, 1, 0.5, step=0.05, label="Fidelity", elem_id="fidelity",
            info="0 is the most detailed, 1 the closest to your picture", buttons=[],
        )  # fmt: skip
        default = gr.Checkbox(True, label="Leave fidelity to the model", elem_id="own", container=True)
    fidelity.input(lambda: False, None, default, queue=False, **QUIET)
    scales = sorted({*uploads.SCALES, restorer.scale})
    scale = gr.Radio([(f"x{s}", s) for s in scales], value=restorer.scale, label="Enlarge", elem_id="scale")
    samples = gr.Slider(
        1, uploads.MOST_SAMPLES, 1, step=1, label="Samples", elem_id="samples",
        info="More than one shows where they differ", buttons=[],
    )  # fmt: skip
    with gr.Accordion("Advanced", open=False, elem_id="advanced"):
        seed = gr.Number(0, label="Seed", precision=0, minimum=0, maximum=2**31 - 1, elem_id="seed")
        consistency = gr.Checkbox(
            False,
            label="Consistency",
            info="For pictures that were shrunk and nothing else: shrunk again, the result is yours",
            elem_id="consistency",
        )
        solver = gr.Dropdown(
            [MODEL_DEFAULT, *uploads.solver_names()], value=MODEL_DEFAULT, label="Solver", elem_id="solver"
        )
        intervals = gr.Slider(
            0, uploads.MOST_INTERVALS, 0, step=1, label="Intervals", elem_id="intervals",
            info="0 leaves them to the model; more are slower and more exact", buttons=[],
        )  # fmt: skip
    button = gr.Button("Restore", variant="primary", size="lg", elem_id="restore")
    return picture, [fidelity, default, scale, samples, seed, consistency, solver, intervals], button


def _results() -> list[Any]:
    """The right side: slider, choice of a sample, spread, summary, and the button to download."""
    compare = gr.ImageSlider(
        label="Before and after", interactive=False, format="png", buttons=["fullscreen"], max_height=620,
        elem_id="compare",
    )  # fmt: skip
    sample = gr.Radio([], label="Which sample", visible=False, elem_id="sample")
    summary = gr.Markdown("", elem_id="summary")
    download = gr.DownloadButton("Download the full picture", interactive=False, elem_id="download")
    spread = gr.Image(
        label="Where the samples differ", interactive=False,
        format="png", buttons=["download", "fullscreen"], visible=False, elem_id="spread",
    )  # fmt: skip
    return [compare, sample, spread, summary, download]


def _restoring(restorer: uploads.PageRestorer, limits: uploads.Limits, folder: Path) -> Callable[..., list[Any]]:
    """What the button calls with the values of the left side; it returns those of ``_results``, after the state's."""

    @_show_errors
    def restore(
        path: str | None, fidelity: float, default: bool, scale: int, samples: int, seed: int | None, consistency: bool,
        solver: str, intervals: int, progress: Any = PROGRESS,
    ) -> list[Any]:  # fmt: skip
        if not path:
            raise ValueError("Drop a picture first.")
        settings = uploads.PageSettings(
            scale=scale, seed=seed or 0, fidelity=None if default else fidelity, num_intervals=intervals or None,
            solver=None if solver == MODEL_DEFAULT else solver, consistency=consistency or None, samples=samples,
        )  # fmt: skip
        progress(0, desc="Restoring")
        result = uploads.restore_upload(
            restorer, path, settings, limits=limits, folder=folder, on_progress=lambda f: progress(f, desc="Restoring")
        )
        files = [(str(image.before), str(image.after), str(image.file)) for image in result.restored]
        numbers = [(str(k + 1), k) for k in range(len(files))]
        return [
            files,
            files[0][:2],
            gr.Radio(numbers, value=0, visible=len(files) > 1),
            gr.Image(result.spread, visible=result.spread is not None),
            result.summary,
            gr.DownloadButton(value=files[0][2], interactive=True),
        ]

    return restore


def _show_sample(files: list[tuple[str, str, str]], number: int) -> list[Any]:
    """Show another sample."""
    return [files[number][:2], gr.DownloadButton(value=files[number][2])]


def _on_upload(picture: Any, outputs: list[Any], limits: uploads.Limits) -> None:
    """A new picture takes the old result away; one that is not taken is refused before anyone waits for it."""

    @_show_errors
    def check(path: str | None) -> list[Any]:
        if path:
            uploads.open_upload(path, limits)
        nothing = gr.DownloadButton(value=None, interactive=False)
        return [[], None, gr.Radio([], visible=False), gr.Image(None, visible=False), "", nothing]

    picture.upload(check, picture, outputs, **QUIET).failure(lambda: None, None, picture, **QUIET)


def _pass_file_on(picture: Any) -> None:
    """Hand an upload on as the file that it is, also a broken one; addresses are not fetched."""
    move = picture.async_move_resource_to_block_cache

    async def only_files(path: str | None) -> str | None:
        if path and "://" in path:
            raise gr.Error("Upload a file.", print_exception=False)
        return await move(path)

    picture.async_move_resource_to_block_cache = only_files
    picture.preprocess = lambda payload: payload and payload.path


def _show_errors(function: Callable[..., Any]) -> Callable[..., Any]:
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
