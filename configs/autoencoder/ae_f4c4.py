# A deterministic autoencoder: 4 pixels a latent sample, 4 channels (a twelfth of the numbers). With the extra
# "perceptual". As encoder of a flow: encoder=dict(type="TrainedAutoencoder", path="work_dirs/ae_f4c4").
_base_ = ["../_base_/default_runtime.py", "../_base_/datasets/photographs.py"]
scale = 8  # the held-out photographs are cropped to multiples of it
crop_size = 128
protocol = "rgb"

model = dict(
    type="Autoencoder",
    channels=4,
    widths=(64, 128),  # at 1/2 and 1/4 of the resolution
    blocks=2,
    pixels="l1",
    loss=[
        dict(type="Perceptual", net="EfficientNetLite", shift=15, weight=0.1),
        dict(type="Lattice", period=4, weight=4.0),
    ],
)

val_evaluator = [
    dict(type="PSNR", protocol="${protocol}"),
    dict(type="SSIM", protocol="${protocol}"),
    dict(type="FeatureDistance"),
]
test_evaluator = val_evaluator

train_cfg = dict(by_epoch=False, max_iters=50_000, val_interval=2500)
optim_wrapper = dict(
    type="OptimWrapper",
    optimizer=dict(type="AdamW", lr=4e-4, betas=(0.9, 0.99), weight_decay=0.0),
    clip_grad=dict(max_norm=1.0),
)
param_scheduler = [
    dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=500),
    dict(type="CosineAnnealingLR", by_epoch=False, begin=500, end="${train_cfg.max_iters}", eta_min=1e-6),
]
auto_scale_lr = dict(base_batch_size=16)
default_hooks = dict(checkpoint=dict(interval=2500, save_best="PSNR", rule="greater"))
