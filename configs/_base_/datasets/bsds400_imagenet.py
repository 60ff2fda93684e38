# The 400 photographs of BSDS500's train and test parts, of which every fourth is held out, and photographs of ImageNet,
# shrunk, since their own JPEG is visible. They lie in data/bsds400 and data/imagenet, or elsewhere by --cfg-options
# data_root=FOLDER imagenet_root=FOLDER. The recipe says the scale.
_base_ = "bsds400.py"
imagenet_root = "data/imagenet"
crop_size = 192
worker_degradation = None  # "${degradation}" has the loader's workers degrade, and not the device
imagenet_pipeline = [
    dict(type="Shrink", size=256),
    dict(type="RandomCrop", size="${crop_size}"),
    dict(type="Albumentations", transforms=[dict(type="D4", p=1.0)]),
]
_bsds = dict(
    type="ImageFolder",
    data_root="${data_root}",
    split="train",
    pipeline="${train_pipeline}",
    degradation="${worker_degradation}",
    cache_images=400,
)
_imagenet = dict(
    type="ImageFolder",
    data_root="${imagenet_root}",
    pipeline="${imagenet_pipeline}",
    degradation="${worker_degradation}",
    cache_images=600,
)
train_dataloader = dict(dataset=dict(_delete_=True, type="Mixture", datasets=[_bsds, _imagenet]))
