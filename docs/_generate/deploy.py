"""Put built pages beside those of other versions: ``python docs/_generate/deploy.py docs/_build/html SITE``."""

import argparse
import json
import re
import shutil
from pathlib import Path

LEAD = '<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={0}/"><a href="{0}/">{0}</a>\n'


def order(version: str) -> tuple[bool, list[int]]:
    """Releases by number, below them what has none, such as the main branch."""
    return version[:1].isdigit(), [int(part) for part in re.findall(r"\d+", version)]


def deploy(pages: Path, site: Path, version: str) -> list[str]:
    """Copy the pages into the folder of their version; the versions of the site, the newest first."""
    shutil.rmtree(site / version, ignore_errors=True)
    shutil.copytree(pages, site / version, ignore=shutil.ignore_patterns(".doctrees", ".buildinfo"))
    versions = sorted((path.parent.name for path in site.glob("*/index.html")), key=order, reverse=True)
    (site / "versions.json").write_text(json.dumps(versions) + "\n")
    (site / "index.html").write_text(LEAD.format(versions[0]))
    (site / ".nojekyll").touch()  # folders that begin with _ are served too
    return versions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", type=Path)
    parser.add_argument("site", type=Path)
    parser.add_argument("--as", dest="version", help="name of the folder (default: the version of the package)")
    args = parser.parse_args()
    known = re.search(r'"(.+)"', Path(__file__).parents[2].joinpath("cfmrestore", "_version.py").read_text())
    assert known is not None
    print("versions:", *deploy(args.pages, args.site, args.version or known[1]))


if __name__ == "__main__":
    main()
