# Whole images of a folder, brought to squares and mirrored half of the time: what generation is trained on.
data_root = "data/images"
crop_size = 256
train_pipeline = [
    dict(type="ResizeCrop", size="${crop_size}"),
    dict(type="Albumentations", transforms=[dict(type="HorizontalFlip", p=0.5)]),
]
train_dataloader = dict(
    batch_size=32,
    num_workers=4,
    persistent_workers=True,
    sampler=dict(type="DrawSampler"),
    dataset=dict(type="ImageFolder", data_root="${data_root}", pipeline="${train_pipeline}"),
)
