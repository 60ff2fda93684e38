# The 400 photographs of `bsds400.py`, of which every fourth is held out, and photographs of ImageNet, shrunk, since
# their own JPEG is visible. 771 photographs are soon known by heart, so each is seen at many sizes and, half of the
# time, with its colors exchanged. They lie in data/bsds400 and data/imagenet, or elsewhere by --cfg-options
# data_root=FOLDER imagenet_root=FOLDER. The recipe says the scale.
data_root = "data/bsds400"
val_root = "${data_root}"
imagenet_root = "data/imagenet"
crop_size = 192
protocol = "classic_y"
worker_degradation = None  # "${degradation}" has the loader's workers degrade, and not the device

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
        type="Mixture",
        datasets=[
            dict(
                type="ImageFolder",
                data_root="${data_root}",
                split="train",
                pipeline=[
                    dict(type="Shrink", size=["${crop_size}", 480]),
                    *train_pipeline,
                    dict(type="Albumentations", transforms=[dict(type="ChannelShuffle", p=0.5)]),
                ],
                degradation="${worker_degradation}",
                cache_images=400,
            ),
            dict(
                type="ImageFolder",
                data_root="${imagenet_root}",
                pipeline=[
                    dict(type="Shrink", size=["${crop_size}", 320]),
                    *train_pipeline,
                    dict(type="Albumentations", transforms=[dict(type="ChannelShuffle", p=0.5)]),
                ],
                degradation="${worker_degradation}",
                cache_images=600,
            ),
        ],
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
