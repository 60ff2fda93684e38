"""Open a web page to try a model."""

import argparse
import os

# Read when gradio is imported: the page tells nobody that it runs.
os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_DISABLE_TELEMETRY="1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    model = "auto or a bundled model, between which the page lets choose, or another one alone (default: %(default)s)"
    parser.add_argument("--model", default="auto", metavar="PATH", help=model)
    parser.add_argument("--host", default="127.0.0.1", help="default: %(default)s, which only this machine reaches")
    parser.add_argument("--port", type=int, default=7860, help="default: %(default)s")
    parser.add_argument("--max-side", type=int, default=2048, metavar="PIXELS", help="of a picture (default: 2048)")
    parser.add_argument("--max-mib", type=int, default=32, metavar="MIB", help="of an uploaded file (default: 32)")
    parser.add_argument("--boundaries", metavar="FOLDER", help="of boundaries of the model, along which one edits")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, ... (default: auto)")


def run(args: argparse.Namespace) -> None:
    from cfmrestore.demo.server import serve
    from cfmrestore.demo.uploads import Limits

    limits = Limits(max_side=args.max_side, max_bytes=args.max_mib << 20)
    serve(args.model, host=args.host, port=args.port, limits=limits, device=args.device, boundaries=args.boundaries)
