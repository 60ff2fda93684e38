# From the weights of `cfm_unet-2.7m_x4.py`: its faithful end alone, the mean of what may be there. 771 photographs are
# soon known by heart, so here each is seen at many sizes and, half of the time, with its colors exchanged; the mean of
# other photographs becomes closer by that. What `cfm_unet-2.7m_x4_perceptual.py` begins with.
_base_ = [
    "_base_/default_runtime.py",
    "_base_/datasets/bsds400_imagenet.py",
    "_base_/models/cfm_haar_unet-2.7m.py",
    "_base_/schedules/adamw_20k.py",
]
scale = 4
degradation = "bicubic"
target = []
load_from = "work_dirs/cfm_unet-2.7m_x4"
crop_size = 128
varied = [
    dict(type="RandomCrop", size="${crop_size}"),
    dict(type="Albumentations", transforms=[dict(type="D4", p=1.0), dict(type="ChannelShuffle", p=0.5)]),
]
# Shrunk by the mean of what a pixel covers (interpolation 3): to half the size or more, or to one of several sizes.
half_or_more = [
    dict(type="Albumentations", transforms=[dict(type="RandomScale", scale_limit=(-0.5, 0.0), interpolation=3, p=0.6)])
]
sizes = [160, 192, 224, 256, 288, 320]
one_of_many = [
    dict(type="Albumentations", transforms=[dict(type="SmallestMaxSize", max_size=sizes, interpolation=3, p=1.0)])
]
model = dict(
    times=dict(type="Stratified", zero_probability=0.9),
    loss=[dict(type="MSE")],
    sampling=dict(fidelity=1.0, color="mean"),
)
train_cfg = dict(max_iters=6000, val_interval=500)
train_dataloader = dict(
    batch_size=16,
    num_workers=1,
    dataset=dict(
        datasets=[
            dict(
                type="ImageFolder",
                data_root="${data_root}",
                split="train",
                pipeline=[*half_or_more, *varied],
                cache_images=400,
            ),
            dict(
                type="ImageFolder",
                data_root="${imagenet_root}",
                pipeline=[*one_of_many, *varied],
                cache_images=600,
            ),
        ],
    ),
)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
custom_hooks = [dict(type="EMAHook", decay=0.998), dict(type="PreemptionHook")]
default_hooks = dict(checkpoint=dict(interval=500))
