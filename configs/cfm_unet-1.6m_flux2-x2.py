# Twice as large pictures from FLUX.2: latents of 64x64 to 128x128. The flow of latents, and one step of its flow map
# that is drawn to the targets. A cache of latents makes it many times as fast (docs/scaling.md): cfmrestore cache
# configs/cfm_unet-1.6m_flux2-x2.py --dataset 0 --crops 8 --out CACHE0, and --dataset 1 to CACHE1; then in another
# config train_dataloader = dict(dataset=dict(_delete_=True, type="Mixture",
#     datasets=[dict(type="CachedLatents", data_root=cache) for cache in ("CACHE0", "CACHE1")]))
_base_ = [
    "_base_/default_runtime.py",
    "_base_/datasets/bsds400_imagenet.py",
    "_base_/models/cfm_taef2_unet-1.6m.py",
    "_base_/schedules/adamw_20k.py",
]
scale = 2
degradation = "bicubic"  # of the photographs; the small pictures of a diffusion model have no degradation of their own
target = []
train_cfg = dict(max_iters=10_000, val_interval=10_000)
train_dataloader = dict(batch_size=16)
