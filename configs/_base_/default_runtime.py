# What every run shares: logs, checkpoints, the moving average, seeds.
default_scope = "cfmrestore"
randomness = dict(seed=0)
env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0),
    dist_cfg=dict(timeout=600),  # seconds that a rank waits for the others
)

default_hooks = dict(
    timer=dict(type="IterTimerHook"),
    logger=dict(type="LoggerHook", interval=50, log_metric_by_epoch=False),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(type="CheckpointHook", interval=1000, max_keep_ckpts=2),
    sampler_seed=None,
)
custom_hooks = [
    dict(type="EMAHook", decay=0.999),
    dict(type="SampleGridHook", num_images=4),
    dict(type="PreemptionHook"),
]

visualizer = dict(type="Visualizer", vis_backends=[dict(type="LocalVisBackend")])
trackers = [
    "tensorboard"
]  # also "wandb", "mlflow"; with keys: dict(type="WandbVisBackend", init_kwargs=dict(project="flows"))
log_processor = dict(type="LogProcessor", window_size=50, by_epoch=False)
log_level = "INFO"
load_from = None
resume = False
