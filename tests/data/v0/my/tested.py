# The flow of level.py, with every picture and every image of a test kept.
_base_ = "level.py"
test_dataloader = dict(dataset=dict(pipeline=[dict(type="CentreCrop", multiple="${scale}")]))
custom_hooks = [
    dict(type="PictureHook", folder="pictures", num_images=1, side=16),
    dict(type="KeepHook", folder="kept"),
]
