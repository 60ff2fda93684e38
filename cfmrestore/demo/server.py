"""HTTP server of the web page: where it listens, and what is deleted when it ends."""

import importlib.util
import ipaddress
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from cfmrestore import model_zoo
from cfmrestore.demo.edits import PageEditor
from cfmrestore.demo.models import PageModels
from cfmrestore.demo.uploads import Limits, PageRestorer, delete_old_files
from cfmrestore.former_names import model_name
from cfmrestore.restore.auto_model import AUTO


def serve(
    model: str, *, host: str, port: int, limits: Limits, device: str = "auto", boundaries: str | None = None
) -> None:
    """Serve the page of a model until Ctrl-C; model and device are as for ``Restorer.from_pretrained``.

    With a folder of boundaries of the model it is a page on which pictures are edited along them.
    """
    try:
        _check(host, port)
        restorer: PageModels | PageEditor
        if boundaries is not None:
            restorer = PageEditor.from_folder(model, boundaries, device=device)
        else:
            restorer = models_of(model, device)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # what was uploaded is deleted then, too
        with serving(restorer, host=host, port=port, limits=limits) as address:
            print(f"open {address}   (Ctrl-C ends it)", flush=True)
            threading.Event().wait()
    except KeyboardInterrupt:
        sys.exit(0)


def models_of(model: str, device: str) -> PageModels:
    """All that are bundled, where it is one of them or auto; or else that one alone."""
    from cfmrestore.restore import Restorer

    def load(name: str) -> PageRestorer:
        return Restorer.from_pretrained(name, device=device)

    model = model_name(model)
    if model == AUTO or model in model_zoo.cards():
        return PageModels.bundled(load, model)
    return PageModels.of(load(model))


def _check(host: str, port: int) -> None:
    """What can be known before the model is loaded: whether the page can be made, and listen at that address."""
    if importlib.util.find_spec("gradio") is None:
        raise ValueError("the page needs gradio: pip install 'cfmrestore[demo]'")
    if not 1 <= port <= 65535:
        raise ValueError(f"there is no port {port}: take one from 1024 to 65535")
    try:
        family, *_, place = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as trial:
            if os.name == "posix":  # elsewhere it would take a port that another program has
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(place)
    except OSError as error:
        raise ValueError(f"cannot listen at {host}, port {port} ({error.strerror}): take another --port") from None
    if not is_loopback(host):
        print(f"warning: everyone who reaches {host} can use this page; it asks for no password", file=sys.stderr)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def serving(
    restorer: PageRestorer | PageModels | PageEditor, *, host: str, port: int, limits: Limits, keep_seconds: int = 1800
) -> Iterator[str]:
    """Serve the page of a model: its address. Uploads and results are deleted after so long, and all in the end."""
    folder = Path(mkdtemp(prefix="cfmrestore-demo-")).resolve()
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    os.environ.pop("GRADIO_ALLOWED_PATHS", None)  # gradio would serve them
    from cfmrestore.demo import editing, holes, page

    most = limits.max_bytes
    results = folder / "results"
    if isinstance(restorer, PageEditor):
        blocks = editing.build_editing_page(restorer, limits=limits, folder=results, keep_seconds=keep_seconds)
    else:
        models = restorer if isinstance(restorer, PageModels) else PageModels.of(restorer)
        blocks = page.build_page(models, limits=limits, folder=results, keep_seconds=keep_seconds)
        most = max(most, holes.CANVAS_BYTES) if "mask" in models.first.needs else most
    ended = threading.Event()
    threading.Thread(target=_keep_clean, args=(folder, keep_seconds, ended), daemon=True).start()
    try:
        yield page.launch(blocks, host=host, port=port, max_bytes=most)
    finally:
        ended.set()
        blocks.close(verbose=False)
        shutil.rmtree(folder, ignore_errors=True)


def _keep_clean(folder: Path, seconds: float, ended: threading.Event) -> None:
    while not ended.wait(seconds / 4):
        delete_old_files(folder, seconds)
