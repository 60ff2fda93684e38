# From the weights of `cfm_unet-2.7m_realsr-x4_perceptual.py`: the natural end is drawn to what Real-ESRGAN x4plus made
# of the same inputs, two thirds of the way from the mean of what may be there, which the faithful end stays. With the
# extra "perceptual". The pictures are made before:
#     python tools/peers/crops.py configs/cfm_unet-2.7m_realsr-x4.py data/peer --count 6400 --cfg-options crop_size=256
#     python tools/peers/real_esrgan.py data/peer/low data/peer/peer
_base_ = "cfm_unet-2.7m_realsr-x4_perceptual.py"
load_from = "cfm-realsr-x4"
peer_root = "data/peer"
model = dict(
    loss=[
        dict(type="MSE", weight=8.0),
        dict(type="TargetMSE", steps=0, weight=6.0),  # of latents in [-1, 1]: 24 of pixels
        dict(type="Imitation", loss=dict(type="PixelMSE", weight=50.0)),
        dict(type="Imitation", loss=dict(type="Perceptual", net="EfficientNetLite", shift=15, weight=0.03)),
        dict(type="Lattice", steps=0, weight=400.0),
    ],
)
train_cfg = dict(max_iters=3000, val_interval=3000)
train_dataloader = dict(
    batch_size=32,
    num_workers=4,
    dataset=dict(
        _delete_=True,
        type="PairedFolder",
        high_root="${peer_root}/high",
        low_root="${peer_root}/low",
        peer_root="${peer_root}/peer",
        pipeline="${train_pipeline}",
    ),
)
optim_wrapper = dict(optimizer=dict(lr=1e-3))
custom_hooks = [dict(type="EMAHook", decay=0.998), dict(type="PreemptionHook")]
