custom_hooks = [
    dict(type='SignalHook'),
]
default_hooks = dict(
    checkpoint=dict(interval=2, type='CheckpointHook'),
    logger=dict(interval=1, log_metric_by_epoch=False, type='LoggerHook'),
    param_scheduler=dict(type='ParamSchedulerHook'),
    sampler_seed=None,
    timer=dict(type='IterTimerHook'))
default_scope = 'cfmrestore'
degradation = [
    dict(scale=2, type='Downscale'),
    dict(type='Quantise'),
]
env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0))
launcher = 'none'
load_from = None
log_level = 'INFO'
log_processor = dict(by_epoch=False, type='LogProcessor', window_size=1)
model = dict(
    coupling=dict(
        noise=None, tell_level=False, type='LowresLatent', upsample='pixel'),
    data_preprocessor=dict(
        degradation=[
            dict(scale=2, type='Downscale'),
            dict(type='Quantise'),
        ],
        target=[],
        type='RestorationPreprocessor'),
    encoder=dict(factor=2, type='Haar'),
    loss=dict(type='MSE'),
    network=dict(
        attention_factors=(),
        base_channels=2,
        blocks=1,
        channel_factors=(1, ),
        groups=None,
        input_skip=True,
        middle_attention=False,
        type='UNet'),
    path=dict(type='Linear'),
    sampling=dict(
        colour='none', noise=1.1, noise_fades_at=0.4, num_intervals=2),
    scale=2,
    times=dict(type='Stratified', zero_probability=1.0),
    type='CouplingFlow')
optim_wrapper = dict(
    accumulative_counts=2,
    optimizer=dict(lr=30.0, type='SGD'),
    precision='fp32',
    type='AmpOptimWrapper')
param_scheduler = [
    dict(begin=0, by_epoch=False, end=2, start_factor=0.5, type='LinearLR'),
]
protocol = 'classic_y'
randomness = dict(seed=0)
resume = False
scale = 2
target = []
test_cfg = dict()
test_dataloader = dict(
    batch_size=1,
    dataset=dict(
        data_root='photos',
        pipeline=[
            dict(multiple=2, type='CentreCrop'),
        ],
        type='ImageFolder'),
    num_workers=0,
    sampler=dict(shuffle=False, type='DefaultSampler'))
test_evaluator = [
    dict(protocol='classic_y', type='PSNR'),
    dict(type='NFE'),
]
train_cfg = dict(max_iters=2, val_interval=100)
train_dataloader = dict(
    batch_size=2,
    dataset=dict(
        data_root='photos',
        pipeline=[
            dict(size=16, type='CentreCrop'),
        ],
        type='ImageFolder'),
    num_workers=0,
    sampler=dict(type='DrawSampler'))
val_cfg = None
val_dataloader = None
val_evaluator = None
visualizer = dict(
    type='Visualizer', vis_backends=[
        dict(type='LocalVisBackend'),
    ])
work_dir = 'work/study/regression/run'
