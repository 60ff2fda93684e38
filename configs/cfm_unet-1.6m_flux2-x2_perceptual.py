# From the weights of `cfm_unet-1.6m_flux2-x2.py`: what one step makes of an input is decoded, and drawn to the
# photograph in its pixels and in the features of EfficientNet-Lite0. Errors of latents weigh otherwise than those of
# pictures: the mean latent of all that an input may come from decodes to less than the input itself. With the extra
# "perceptual".
_base_ = "cfm_unet-1.6m_flux2-x2.py"
load_from = "work_dirs/cfm_unet-1.6m_flux2-x2"
crop_size = 128
model = dict(
    loss=[
        dict(type="MSE", weight=0.1),
        dict(type="TargetMSE", steps=0, weight=0.1),
        dict(type="PixelMSE", steps=0, weight=20.0),
        dict(type="Perceptual", net="EfficientNetLite", steps=0, shift=15, weight=1.0),
        dict(type="Lattice", period=8, steps=0, weight=20.0),
    ],
)
train_cfg = dict(max_iters=1500, val_interval=1500)
train_dataloader = dict(batch_size=8, num_workers=1)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
default_hooks = dict(checkpoint=dict(interval=100))
