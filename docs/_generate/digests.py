"""The digests of the shipped models as their cards say them, in the form that ``sha256sum --check`` reads."""

import json
from pathlib import Path

WEIGHTS = Path("cfmrestore") / "weights"

if __name__ == "__main__":
    for name, card in json.loads((WEIGHTS / "models.json").read_text()).items():
        print(f"{card['sha256']}  {WEIGHTS / name}.safetensors")
