"""Start the web page: ``python -m cfmrestore.demo``."""

import argparse
import importlib.util
import ipaddress
import os
import shutil
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from cfmrestore.demo.work import Limits, Restores, sweep

DEFAULT_MODEL = "cfm-x4"
KEEP_SECONDS = 30 * 60


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the arguments, and serve the page until Ctrl-C."""
    args = _parser().parse_args(arguments)
    try:
        _check(args.host, args.port)
        from cfmrestore.restore import Restorer

        limits = Limits(max_side=args.max_side, max_bytes=args.max_mib << 20)
        restorer = Restorer.from_pretrained(args.model, device=args.device)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # what was uploaded is deleted then, too
        with serving(restorer, host=args.host, port=args.port, limits=limits) as address:
            print(f"open {address}   (Ctrl-C ends it)", flush=True)
            threading.Event().wait()
    except (ValueError, FileNotFoundError, PermissionError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m cfmrestore.demo", description="A web page to try a model.")
    parser.add_argument(
        "--model", default=DEFAULT_MODEL, metavar="PATH", help="as Restorer takes it (default: %(default)s)"
    )
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s, which only this machine reaches")
    parser.add_argument("--port", type=int, default=7860, help="default: %(default)s")
    parser.add_argument("--max-side", type=int, default=2048, metavar="PIXELS", help="of a picture (default: 2048)")
    parser.add_argument("--max-mib", type=int, default=32, metavar="MIB", help="of an uploaded file (default: 32)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ... (default: auto)")
    return parser


def _check(host: str, port: int) -> None:
    """What can be known before the model is loaded."""
    if importlib.util.find_spec("gradio") is None:
        raise ValueError("the page needs gradio: pip install 'cfmrestore[demo]'")
    check_address(host, port)
    if not is_loopback(host):
        print(f"warning: everyone who reaches {host} can use this page; it asks for no password", file=sys.stderr)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def check_address(host: str, port: int) -> None:
    """Refuse an address that cannot be listened at."""
    if not 1 <= port <= 65535:
        raise ValueError(f"there is no port {port}: take one from 1024 to 65535")
    try:
        family, *_, place = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(place)
    except OSError as error:
        raise ValueError(f"cannot listen at {host}, port {port} ({error.strerror}): take another --port") from None


@contextmanager
def serving(
    restorer: Restores, *, host: str, port: int, limits: Limits, keep_seconds: int = KEEP_SECONDS
) -> Iterator[str]:
    """Serve the page of a model: its address. All that was uploaded and made is deleted in the end."""
    folder = Path(mkdtemp(prefix="cfmrestore-demo-")).resolve()
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    os.environ.pop("GRADIO_ALLOWED_PATHS", None)  # gradio would serve them
    from cfmrestore.demo import page

    blocks = page.build(restorer, limits=limits, folder=folder / "results", keep_seconds=keep_seconds)
    ended = threading.Event()
    threading.Thread(target=_keep_clean, args=(folder, keep_seconds, ended), daemon=True).start()
    try:
        yield page.launch(blocks, host=host, port=port, limits=limits)
    finally:
        ended.set()
        blocks.close(verbose=False)
        shutil.rmtree(folder, ignore_errors=True)


def _keep_clean(folder: Path, seconds: float, ended: threading.Event) -> None:
    while not ended.wait(seconds / 4):
        sweep(folder, seconds)


if __name__ == "__main__":
    main()
