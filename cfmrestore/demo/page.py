"""The page: its layout, and what its buttons call."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import gradio as gr

from cfmrestore.demo import uploads
from cfmrestore.demo.handling import pass_file_on, show_errors
from cfmrestore.demo.holes import holes_of
from cfmrestore.demo.models import PageModels, card
from cfmrestore.demo.painting import QUIET, Painting
from cfmrestore.demo.several import Several

MODEL_DEFAULT = "the model's own"
EXAMPLES = Path(__file__).parent / "examples"
SENTENCE = (
    "Drop a small, noisy or compressed picture: a flow restores it, and shows you where its details are read from "
    "your picture and where they are invented."
)
DIAL = (
    "At 0 the most detail is drawn, some of it invented; at 1 nothing is, and the result stays closest to your picture"
)
PAINTING_SENTENCE = (
    "Drop a picture, and paint over what is to be filled: a flow fills it, and leaves all else as it is in your file."
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
#card p { font-size: var(--text-sm); }
.gradio-container.gradio-container.gradio-container :focus-visible {
  outline: 3px solid var(--body-text-color) !important; outline-offset: 2px !important;
}
#examples .label, #examples .label svg { color: var(--body-text-color); }
#compare .icon { color: white; }
#compare .icon-wrap { background: var(--primary-700); }
.dark { --color-accent: var(--primary-400) !important; }
#summary p, #notes p { color: var(--body-text-color-subdued); }
#notes p { font-size: var(--text-sm); }
#editor button[aria-label="Color"], #editor button[aria-label="Clear canvas"] { display: none; }
@media (max-width: 640px) { .gradio-container .main.fillable { padding: var(--size-4) var(--size-3); } }
"""
LIVE = """() => {
  document.documentElement.lang = "en";
  for (const id of ["status", "several-said"]) {
    const place = document.getElementById(id);
    if (place) { place.setAttribute("role", "status"); place.setAttribute("aria-live", "polite"); }
  }
}"""  # what changes there is read aloud
FONTS = {"font": ["system-ui", "sans-serif"], "font_mono": ["ui-monospace", "monospace"]}  # which every system has
# Every text has the contrast of 4.5 that WCAG 2.2 asks for.
COLORS = {
    "color_accent": "*primary_700", "body_background_fill": "*neutral_50",
    "body_text_color_subdued": "*neutral_600", "body_text_color_subdued_dark": "*neutral_300",
    "block_info_text_color": "*neutral_600", "block_info_text_color_dark": "*neutral_300",
    "block_label_text_color": "*primary_800", "block_label_text_color_dark": "white",
    "block_label_background_fill_dark": "*primary_800",
    "button_primary_background_fill": "*primary_700", "button_primary_background_fill_dark": "*primary_700",
    "button_primary_background_fill_hover": "*primary_800", "button_primary_background_fill_hover_dark": "*primary_800",
    "checkbox_label_background_fill_selected": "*primary_700",
    "checkbox_label_background_fill_selected_dark": "*primary_700",
}  # fmt: skip
PROGRESS = gr.Progress()


def build_page(models: PageModels, *, limits: uploads.Limits, folder: Path, keep_seconds: int) -> Any:
    """The page of models, which writes results into the folder; after so long they and the uploads are deleted."""
    clean = (max(1, keep_seconds // 4), keep_seconds)
    notes = (
        f"{', '.join(sorted(uploads.UPLOAD_FORMATS))}, at most {limits.max_side} pixels a side and "
        f"{limits.max_bytes >> 20} MiB. Pictures stay on the machine that runs this page and are deleted after "
        f"{max(1, keep_seconds // 60)} minutes."
    )
    restorer = models.first
    paints = "mask" in restorer.needs
    with gr.Blocks(title="cfmrestore", analytics_enabled=False, delete_cache=clean) as page:
        gr.Markdown(f"# cfmrestore\n{PAINTING_SENTENCE if paints else SENTENCE}", elem_id="heading")
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                upload = partial(_upload, limits)
                painting = Painting(upload, limits) if paints else None
                picture = painting.picture if painting else upload()
                examples = None if painting else _examples(picture)
                inputs, button = _choices(models, paints=paints)
                several = None if painting else Several()
            with gr.Column(scale=3, min_width=320, elem_id="status"):
                shown = _results()
        gr.Markdown(notes, elem_id="notes")
        files = gr.State([], time_to_live=keep_seconds)

        outputs = [files, *shown]
        restore = _restoring(models, limits, folder)
        only = {"concurrency_limit": 1, "concurrency_id": "restoring", "api_visibility": "private"}
        given = painting.given if painting else []
        button.click(restore, [picture, *inputs, *given], outputs, show_progress_on=shown[0], **only)
        checked = _on_upload(picture, outputs, limits)
        if painting:
            painting.open_after(checked)
            painting.left.then(_nothing, None, outputs, **QUIET)
        if examples:
            examples.dataset.click(_nothing, None, outputs, **QUIET)
        if several:
            several.restore_with(
                partial(settings_of, samples=1), models, inputs, limits=limits, folder=folder, only=only
            )
        page.load(None, None, None, js=LIVE)
        shown[1].input(_show_sample, [files, shown[1]], [shown[0], shown[4]], **QUIET)
    return page


def launch(page: Any, *, host: str, port: int, max_bytes: int) -> str:
    """Serve a page in the background: its address. Nothing beside uploads and results can be asked for.

    No file that is larger is taken from the browser.
    """
    theme = gr.themes.Soft(primary_hue="teal", secondary_hue="teal", neutral_hue="slate", **FONTS).set(**COLORS)
    try:
        _, address, _ = page.launch(
            server_name=host, server_port=port, prevent_thread_lock=True, quiet=True, inbrowser=False, inline=False,
            share=False, allowed_paths=[], max_file_size=max_bytes, enable_monitoring=False, run_history=False,
            footer_links=[], ssr_mode=False, mcp_server=False, pwa=False, theme=theme, css=CSS,
        )  # fmt: skip
    except OSError as error:
        raise ValueError(f"cannot listen at {host}, port {port}: take another --port") from error
    return address


def _upload(limits: uploads.Limits) -> Any:
    """The place of the picture."""
    picture = gr.Image(
        type="filepath", image_mode=None, sources=["upload", "clipboard"], label="Your picture", height=240,
        elem_id="picture", placeholder=f"Drop a picture here\n\nat most {limits.max_side} pixels a side",
    )  # fmt: skip
    pass_file_on(picture)
    return picture


def _examples(picture: Any) -> Any:
    """Pictures to try, one of each kind that a model is for."""
    files = [[str(path)] for path in sorted(EXAMPLES.iterdir()) if path.suffix != ".md"]
    labels = [Path(one[0]).stem for one in files]
    return gr.Examples(files, picture, label="Or try a picture with", example_labels=labels, elem_id="examples")


def _choices(models: PageModels, *, paints: bool) -> tuple[list[Any], Any]:
    """The left side below the picture: the settings, and the button; holes are filled at the picture's own size."""
    offered = len(models.names) > 1
    model = gr.Dropdown(models.names, value=models.chosen, label="Model", elem_id="model", visible=offered)
    if offered:
        about = gr.Markdown(card(models.chosen), elem_id="card")
        model.change(card, model, about, **QUIET)
    with gr.Group():
        default = gr.Checkbox(
            True, label="Leave the dial between detail and fidelity to the model", elem_id="own", container=True
        )
        fidelity = gr.Slider(
            0, 1, 0.5, step=0.05, label="Fidelity", elem_id="fidelity", info=DIAL, buttons=[], visible=False
        )
    default.change(lambda own: gr.Slider(visible=not own), default, fidelity, **QUIET)
    own = 1 if paints else models.first.scale
    scales = [(f"x{s}", s) for s in ([own] if paints else sorted({*uploads.SCALES, own}))]
    scale = gr.Radio(scales, value=own, label="Enlarge", elem_id="scale", visible=not paints)
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
            visible=not paints,
        )
        solver = gr.Dropdown(
            [MODEL_DEFAULT, *uploads.solver_names()], value=MODEL_DEFAULT, label="Solver", elem_id="solver"
        )
        intervals = gr.Slider(
            0, uploads.MOST_INTERVALS, 0, step=1, label="Intervals", elem_id="intervals",
            info="0 leaves them to the model; more are slower and more exact", buttons=[],
        )  # fmt: skip
    button = gr.Button("Fill" if paints else "Restore", variant="primary", size="lg", elem_id="restore")
    return [fidelity, default, scale, samples, seed, consistency, solver, intervals, model], button


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


def settings_of(
    fidelity: float, default: bool, scale: int, samples: int, seed: int | None, consistency: bool, solver: str,
    intervals: int,
) -> uploads.PageSettings:  # fmt: skip
    """What the left side says."""
    return uploads.PageSettings(
        scale=scale, seed=seed or 0, fidelity=None if default else fidelity, num_intervals=intervals or None,
        solver=None if solver == MODEL_DEFAULT else solver, consistency=consistency or None, samples=samples,
    )  # fmt: skip


def _restoring(models: PageModels, limits: uploads.Limits, folder: Path) -> Callable[..., list[Any]]:
    """What the button calls with the values of the left side; it returns those of ``_results``, after the state's."""

    @show_errors
    def restore(
        path: str | None, fidelity: float, default: bool, scale: int, samples: int, seed: int | None, consistency: bool,
        solver: str, intervals: int, model: str, progress: Any = PROGRESS, painted: str | None = None,
        mask: str | None = None,
    ) -> list[Any]:  # fmt: skip
        if not path:
            raise ValueError("Drop a picture first.")
        settings = settings_of(fidelity, default, scale, samples, seed, consistency, solver, intervals)
        restorer, said = models.take(model, uploads.open_upload(path, limits), scale)
        progress(0, desc="Restoring")
        result = uploads.restore_upload(
            restorer, path, settings, limits=limits, folder=folder, on_progress=lambda f: progress(f, desc="Restoring"),
            holes=partial(holes_of, painted=painted, file=mask, limits=limits) if "mask" in restorer.needs else None,
        )  # fmt: skip
        files = [(str(image.before), str(image.after), str(image.file)) for image in result.restored]
        numbers = [(str(k + 1), k) for k in range(len(files))]
        return [
            files,
            files[0][:2],
            gr.Radio(numbers, value=0, visible=len(files) > 1),
            gr.Image(result.spread, visible=result.spread is not None),
            f"{result.summary} {said}",
            gr.DownloadButton(value=files[0][2], interactive=True),
        ]

    return restore


def _show_sample(files: list[tuple[str, str, str]], number: int) -> list[Any]:
    """Show another sample."""
    return [files[number][:2], gr.DownloadButton(value=files[number][2])]


def _on_upload(picture: Any, outputs: list[Any], limits: uploads.Limits) -> Any:
    """A new picture takes the old result away; one that is not taken is refused before anyone waits for it."""

    @show_errors
    def check(path: str | None) -> list[Any]:
        if path:
            uploads.open_upload(path, limits)
        return _nothing()

    checked = picture.upload(check, picture, outputs, **QUIET)
    checked.failure(lambda: None, None, picture, **QUIET)
    return checked


def _nothing() -> list[Any]:
    """No result, for the state and ``_results``."""
    nothing = gr.DownloadButton(value=None, interactive=False)
    return [[], None, gr.Radio([], visible=False), gr.Image(None, visible=False), "", nothing]
