#!/bin/bash
# Makes the files of this folder by the version that they are of: make.sh CHECKOUT OUT, with OUT a copy of this folder in
# which nothing but my/ and make.sh lie. They are not to be made anew by a later version.
set -euo pipefail
checkout=$(realpath "$1") out=$(realpath "$2")
export PYTHONPATH=$checkout OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE
python=${PYTHON:-python}
run() { "$python" "$checkout/tools/$1" "${@:2}"; }
cd "$out"
ln -sfn "$checkout/configs" configs

"$python" - <<'END'
from pathlib import Path

import numpy as np
from PIL import Image

rng = np.random.default_rng(5)
for place, name, size in (("photos", "a", (32, 32)), ("photos", "b", (35, 33)), ("inputs", "c", (12, 10)), ("inputs", "d", (9, 11))):
    Path(place).mkdir(exist_ok=True)
    coarse = Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8))
    picture = coarse.resize(size, Image.Resampling.BICUBIC)
    if name == "d":
        picture.putalpha(Image.fromarray(rng.integers(0, 256, (2, 2), dtype=np.uint8)).resize(size, Image.Resampling.BICUBIC))
    picture.save(f"{place}/{name}.png", optimize=True)
END

# Degradations: sidecars, and a frozen set.
run degrade.py photos --preset my/mixed.py --seed 3 --epoch 1 --out low/mixed
for preset in my/light.py my/blurs.py my/noises.py; do
    run degrade.py photos/a.png --preset $preset --seed 3 --epoch 1 --out "low/$(basename $preset .py)"
done
run degrade.py photos/a.png --preset real_esrgan --seed 4 --out low/real_esrgan
run degrade.py photos --preset my/mixed.py --freeze --out set

# Trainings.
run train.py my/level.py --work-dir work/level
run train.py my/flow.py --work-dir work/flow
rm work/flow/last_checkpoint work/flow/iter_2.pth # the weights alone are what was kept of it
printf '# Mine\n\n<!-- set: begin -->\n\n<!-- set: end -->\n' > page.md
run study.py my/study.py --work-dir work/study --out study --page page.md
run train.py my/recipe.py --work-dir more --resume work/study/regression/run/iter_2.pth \
    --cfg-options train_cfg.max_iters=3 model.coupling.noise=None model.times.zero_probability=1.0
"$python" - <<'END'
from pathlib import Path

import torch

from cfmrestore.datasets.latent_files import LatentInfo, pack
from cfmrestore.encoders import Haar

settings = {"steps": 2, "guidance_scale": None, "negative_prompt": None, "height": 16, "width": 16, "precision": "fp32"}
for sample in range(2):
    latent = torch.randn(12, 8, 8, generator=torch.Generator().manual_seed(sample)) / 4
    own = {**settings, "run_seed": 0, "sample": sample}
    info = LatentInfo(encoder=Haar(factor=2).digest(), prompt="snow at night", seed=sample, pipeline="sd", settings=own)
    Path("latents").mkdir(exist_ok=True)
    Path(f"latents/snow-{sample}.safetensors").write_bytes(pack(latent, info))
END
for name in pairs latents; do
    run train.py my/$name.py --work-dir ${name}_run --no-validate --seed 7 --cfg-options train_cfg.max_iters=1 \
        param_scheduler.0.end=1 param_scheduler.1.begin=1 param_scheduler.1.end=2
done
"$python" - <<'END'
# The first as if it had been broken off after two of its four iterations; what was lost then is kept to compare with.
import json
from pathlib import Path

losses = {}
for name in ("work/level", "work/flow", "more", "pairs_run", "latents_run"):
    log = next(Path(name).glob("*/vis_data/scalars.json"))
    lines = log.read_text().splitlines()
    losses[name] = {str(one["step"]): one["loss"] for one in map(json.loads, lines) if "loss" in one}
    losses[name] |= {"PSNR": one["PSNR"] for one in map(json.loads, lines) if name == "work/level" and "PSNR" in one}
    if name == "work/level":
        log.write_text("".join(f"{line}\n" for line in lines if json.loads(line)["step"] <= 2))
for path in [*Path("work/level").glob("*_iter_*"), *Path("work/level").glob("iter_4.*")]:
    path.unlink()
Path("work/level/last_checkpoint").write_text("work/level/iter_2.pth")
Path("losses.json").write_text(json.dumps(losses, indent=1) + "\n")
END
run publish_model.py work/level old-x2 --out published --sampling num_intervals=3 noise_fades_at=None colour=wavelet \
    --card what=nothing licence=Apache-2.0 degradation=bicubic

# Numbers.
run test.py my/tested.py work/level --benchmarks set=set photos=photos --metrics psnr ssim haarpsi lrconsistency \
    --protocol rgb --method level --out results/level.json --work-dir scratch
# Restorations.
run restore.py inputs --model work/level --out restored/level --threads 1
run restore.py inputs --model work/flow/iter_2.safetensors --out restored/flow --threads 1
run restore.py inputs/c.png --model work/flow --out restored/asked --threads 1 --scale 3 --seed 4 --fidelity 0.4 \
    --num-intervals 2 --solver Midpoint --noise 0.9 --no-consistency --colour adain --samples 2 --suffix _x3 \
    --format png --quality 90 --tile 0 --precision fp32 --device cpu
run restore.py inputs/c.png --model work/level --out restored/configured --threads 1 --config my/level.py \
    --cfg-options model.sampling.colour=wavelet model.sampling.noise_fades_at=None model.coupling.tell_level=True
run restore.py inputs/c.png --model work/study/posterior_mean/run --out restored/mean --threads 1
run restore.py inputs/c.png --model my/chain.py --out restored/chain --threads 1 --scale 4
run restore.py inputs/c.png --model published --out restored/published --threads 1
run restore.py inputs/c.png --model cfm-x4 --out restored/shipped --threads 1
run restore.py inputs/c.png --model cfm-x4 --out restored/overlaid --threads 1 --config my/shipped.py \
    --cfg-options model.sampling.noise=1.1
run boost.py --from-latents latents --model work/study/posterior_mean/run --out boosted --num-intervals 1 --batch 2 \
    --device cpu --precision fp32
"$python" - <<'END'
from pathlib import Path

from PIL import Image

for path in sorted(Path("set/high").glob("*.png")):
    low = Image.open(f"set/low/{path.name}")
    place = Path("bilinear")
    place.mkdir(exist_ok=True)
    low.resize(Image.open(path).size, Image.Resampling.BILINEAR).save(place / path.name, optimize=True)
END
run evaluate.py bilinear set/high --low set/low --metrics psnr ssim haarpsi --protocol rgb --method bilinear --name set \
    --out results/bilinear.json
run compare.py results/level.json results/bilinear.json --baseline level --samples 1000 --out results/compared.json
run compare.py results/level.json results/bilinear.json --samples 1000 --out results/compared.md

# What nothing reads stays away, and where it was made.
sed -i "s|$out|/home/user/project|" work/*/last_checkpoint work/study/*/run/last_checkpoint
rm -rf configs more scratch pictures *_run work/*/*/measured work/*/*/log.txt published/*.png work/study/*/run/2* work/flow/2*
find . -name vis_image -exec rm -r {} +
find work study \( -name '*.png' -o -name '*.log' -o -name 'events.*' -o -path '*/vis_data/*_*.json' -o -name config.py \) -delete
