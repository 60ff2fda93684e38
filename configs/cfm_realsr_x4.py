# Real-world x4 super-resolution: blur, noise and JPEG twice, once or not at all. The network of cfm_x4, from whose
# weights it starts. The shipped model cfm-realsr-x4.
_base_ = "cfm_x4.py"
degradation = "first_or_second_order"
model = dict(
    sampling=dict(
        grid=dict(_delete_=True, type="UniformGrid"),
        num_intervals=3,
        noise=1.22,
        noise_contrast_limit=0.25,
        color="mean",
    )
)
load_from = "cfm-x4"
train_cfg = dict(max_iters=12_000, val_interval=6000)
