"""Write the statistics of a folder of pictures in a feature space.

Evaluate compares generated pictures with them: --reference FILE.
"""

import argparse

from cfmrestore.cli import common

READS = ("folder",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", help="the pictures")
    parser.add_argument("--out", metavar="FILE.safetensors", required=True)
    common.add_overwrite_flag(parser)
    parser.add_argument("--features", default="InceptionV3", help="InceptionV3 (default), EfficientNetLite, ...")
    parser.add_argument("--weights", metavar="FILE", help="of the network (default: torch's cache, or its package)")
    parser.add_argument("--patches", type=int, default=0, metavar="N", help="patches a picture (default: 0, the whole)")
    parser.add_argument("--patch-side", type=int, default=256, metavar="N", help="in pixels (default: 256)")
    parser.add_argument("--keep-features", action="store_true", help="which KID, precision and recall need")


def run(args: argparse.Namespace) -> None:
    from cfmrestore.apis.feature_statistics import feature_statistics

    reference = feature_statistics(
        args.folder,
        args.out,
        features=args.features,
        weights=args.weights,
        patches=args.patches,
        patch_side=args.patch_side,
        keep_features=args.keep_features,
        overwrite=args.overwrite,
    )
    common.say(f"{args.out}: {reference.num_images} pictures, sha256 {reference.images_sha256[:12]}")
