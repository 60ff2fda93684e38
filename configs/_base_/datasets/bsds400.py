# The 400 photographs of BSDS500's train and test parts (Arbelaez et al., 2011; research use), of which every fourth is
# held out; its val part, the benchmark BSD100, is none of them. They lie in data/bsds400, or elsewhere by --cfg-options
# data_root=FOLDER. The recipe says the scale.
data_root = "data/bsds400"
val_root = "${data_root}"
crop_size = 96
protocol = "classic_y"

train_pipeline = [
    dict(type="RandomCrop", size="${crop_size}"),
    dict(type="Albumentations", transforms=[dict(type="D4", p=1.0)]),
]
train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    persistent_workers=True,
    sampler=dict(type="DrawSampler"),
    dataset=dict(
        type="ImageFolder", data_root="${data_root}", split="train", pipeline=train_pipeline, cache_images=400
    ),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(
        type="ImageFolder",
        data_root="${val_root}",
        split="held_out",
        pipeline=[dict(type="CenterCrop", multiple="${scale}")],
    ),
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
