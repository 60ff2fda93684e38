# The bundled photographs, or folders of your own: --cfg-options data_root=... val_root=...
# The recipe says the scale.
data_root = "data/photographs/train"
val_root = "data/photographs/held_out"
crop_size = 192
protocol = "classic_y"

train_pipeline = [
    dict(type="RandomCrop", size="${crop_size}"),
    dict(type="Albumentations", transforms=[dict(type="D4", p=1.0)]),
]
train_dataloader = dict(
    batch_size=16,
    num_workers=2,
    persistent_workers=True,
    sampler=dict(type="DrawSampler"),
    dataset=dict(type="ImageFolder", data_root="${data_root}", pipeline=train_pipeline, cache_images=64),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="ImageFolder", data_root="${val_root}", pipeline=[dict(type="CenterCrop", multiple="${scale}")]),
)
test_dataloader = val_dataloader
val_evaluator = [
    dict(type="PSNR", protocol="${protocol}"),
    dict(type="SSIM", protocol="${protocol}"),
    dict(type="NFE"),
]
test_evaluator = val_evaluator
val_cfg = dict()
test_cfg = dict()
