# A whole recipe without a base.
scale = 2
protocol = "classic_y"
degradation = "bicubic"
target = []
default_scope = "cfmrestore"
randomness = dict(seed=0)
env_cfg = dict(cudnn_benchmark=False, mp_cfg=dict(mp_start_method="fork", opencv_num_threads=0))
model = dict(
    type="CouplingFlow",
    scale="${scale}",
    data_preprocessor=dict(type="RestorationPreprocessor", degradation="${degradation}", target="${target}"),
    encoder=dict(type="Haar", factor=2),
    coupling=dict(type="LowresLatent", upsample="pixel", noise=64, tell_level=False),
    path=dict(type="Linear"),
    network=dict(
        type="UNet",
        base_channels=2,
        channel_factors=(1,),
        blocks=1,
        attention_factors=(),
        middle_attention=False,
        groups=None,
        input_skip=True,
    ),
    times=dict(type="Stratified", zero_probability=0.25),
    loss=dict(type="MSE"),
    sampling=dict(num_intervals=2, noise=1.1, noise_fades_at=0.5, colour="mean"),
)
train_dataloader = dict(
    batch_size=2,
    num_workers=0,
    sampler=dict(type="DrawSampler"),
    dataset=dict(type="ImageFolder", data_root="photos", pipeline=[dict(type="CentreCrop", size=16)]),
)
val_dataloader = dict(
    batch_size=1,
    num_workers=0,
    sampler=dict(type="DefaultSampler", shuffle=False),
    dataset=dict(type="ImageFolder", data_root="photos", pipeline=[dict(type="CentreCrop", multiple="${scale}")]),
)
test_dataloader = val_dataloader
val_evaluator = [dict(type="PSNR", protocol="${protocol}"), dict(type="NFE")]
test_evaluator = val_evaluator
val_cfg = dict()
test_cfg = dict()
train_cfg = dict(max_iters=2, val_interval=100)
optim_wrapper = dict(type="AmpOptimWrapper", precision="fp32", accumulative_counts=2, optimizer=dict(type="SGD", lr=30.0))
param_scheduler = [dict(type="LinearLR", start_factor=0.5, by_epoch=False, begin=0, end=2)]
default_hooks = dict(
    timer=dict(type="IterTimerHook"),
    logger=dict(type="LoggerHook", interval=1, log_metric_by_epoch=False),
    param_scheduler=dict(type="ParamSchedulerHook"),
    checkpoint=dict(type="CheckpointHook", interval=2),
    sampler_seed=None,
)
custom_hooks = [dict(type="SignalHook")]
visualizer = dict(type="Visualizer", vis_backends=[dict(type="LocalVisBackend")])
log_processor = dict(type="LogProcessor", window_size=1, by_epoch=False)
log_level = "INFO"
load_from = None
resume = False
