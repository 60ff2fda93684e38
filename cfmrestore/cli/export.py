"""Write a model as ONNX, a program of torch.export, ncnn or safetensors, for other programs.

By default the whole of it, image to image, where that is one evaluation: at the model's own fidelity, or else at 1.
Beside the file goes a card in the form of OpenModelDB, FILE.json.
"""

import argparse

from cfmrestore.cli import common

JSON = True

MODELS = ("model",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help=common.MODEL)
    parser.add_argument("--to", required=True, metavar="FORMAT", help="onnx, torch (.pt2), ncnn or safetensors")
    parser.add_argument("--out", required=True, metavar="FILE", help="an .onnx, .pt2, .param or .safetensors")
    graph = "image, or a part for solvers outside: network, encoder, decoder (default: image)"
    parser.add_argument("--graph", default="image", metavar="NAME", help=graph)
    fidelity = "of the image, which is one evaluation (default: the model's own if it takes one, else 1)"
    parser.add_argument("--fidelity", type=float, metavar="F", help=fidelity)
    parser.add_argument("--num-intervals", type=int, metavar="N", help="of the solver: 1 for an image")
    parser.add_argument("--color", metavar="MODE", help="correction by the input: none, mean, adain")
    noise = "below fidelity 1, take the noise as a second input in place of one that comes again"
    parser.add_argument("--noise-input", action="store_true", help=noise)
    said = "of the file's metadata and card (default: what the model's own card says)"
    common.add_overwrite_flag(parser)
    parser.add_argument("--license", metavar="NAME", help=f"{said}; best an SPDX identifier, such as Apache-2.0")
    parser.add_argument("--author", metavar="NAME", help=said)


def run(args: argparse.Namespace) -> dict[str, object]:
    from cfmrestore.apis.export import export

    files = export(**common.keywords(args))
    for file in files:
        common.say(f"{file}, {file.stat().st_size / 2**20:.2f} MiB")
    return {"files": files}
