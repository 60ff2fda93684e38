# The shipped model cfm-realsr-x4 trained on, with photographs of one's own: --cfg-options data_root=FOLDER
# val_root=FOLDER. By the recipe of its last stage, at a lower rate. With the extra "perceptual".
_base_ = "cfm_unet-2.7m_realsr-x4_perceptual.py"
load_from = "cfm-realsr-x4"
train_dataloader = dict(
    dataset=dict(
        _delete_=True,
        type="ImageFolder",
        data_root="${data_root}",
        split="train",
        pipeline="${train_pipeline}",
        degradation="${worker_degradation}",
        cache_images=400,
    ),
)
train_cfg = dict(max_iters=1000, val_interval=500)
optim_wrapper = dict(optimizer=dict(lr=1e-4))
default_hooks = dict(checkpoint=dict(save_best="PSNR", rule="greater"))
