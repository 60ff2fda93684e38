auto_scale_lr = dict(base_batch_size=16)
crop_size = 16
custom_hooks = [
    dict(decay=0.9, inv_gamma=1.0, power=0.75, type='EMAHook', update_after=0),
    dict(num_images=1, side=32, type='SampleGridHook'),
    dict(interval=5, signals=('SIGUSR1', ), type='SignalHook'),
]
data_root = 'photos'
default_hooks = dict(
    checkpoint=dict(
        interval=2,
        max_keep_ckpts=2,
        rule='greater',
        save_best='PSNR',
        type='CheckpointHook'),
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
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0))
launcher = 'none'
load_from = None
log_level = 'INFO'
log_processor = dict(by_epoch=False, type='LogProcessor', window_size=1)
model = dict(
    channels_last=True,
    coupling=dict(
        context=True,
        noise=(
            32,
            200,
        ),
        restore_noise=64,
        table='cosine',
        tell_level=True,
        type='LowresLatent',
        upsample='pixel'),
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
        dropout=0.1,
        groups=None,
        head_dim=32,
        heads=2,
        input_skip=True,
        middle_attention=False,
        time_scale=1000.0,
        type='UNet'),
    path=dict(type='Linear'),
    sampling=dict(
        colour='mean',
        grid=dict(type='UniformGrid'),
        num_intervals=2,
        seed=1,
        solver=dict(type='Euler')),
    scale=2,
    times=dict(type='Stratified', zero_probability=0.5),
    type='CouplingFlow')
optim_wrapper = dict(
    clip_grad=None,
    optimizer=dict(
        betas=(
            0.9,
            0.99,
        ), lr=0.1, type='AdamW', weight_decay=0.0),
    type='OptimWrapper')
param_scheduler = [
    dict(begin=0, by_epoch=False, end=2, start_factor=0.5, type='LinearLR'),
    dict(
        begin=2,
        by_epoch=False,
        end=4,
        eta_min=1e-05,
        type='CosineAnnealingLR'),
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
    dict(protocol='classic_y', type='SSIM'),
    dict(type='NFE'),
]
train_cfg = dict(by_epoch=False, max_iters=4, val_interval=100)
train_dataloader = dict(
    batch_size=2,
    dataset=dict(
        cache_images=64,
        data_root='photos',
        pipeline=[
            dict(size=16, type='RandomCrop'),
            dict(transforms=[
                dict(p=1.0, type='D4'),
            ], type='Albumentations'),
        ],
        type='ImageFolder'),
    num_workers=0,
    persistent_workers=False,
    sampler=dict(type='DrawSampler'))
train_pipeline = [
    dict(size=16, type='RandomCrop'),
    dict(transforms=[
        dict(p=1.0, type='D4'),
    ], type='Albumentations'),
]
val_cfg = dict()
val_dataloader = dict(
    batch_size=1,
    dataset=dict(
        data_root='photos',
        pipeline=[
            dict(size=16, type='CentreCrop'),
        ],
        type='ImageFolder'),
    num_workers=0,
    sampler=dict(shuffle=False, type='DefaultSampler'))
val_evaluator = [
    dict(protocol='classic_y', type='PSNR'),
    dict(protocol='classic_y', type='SSIM'),
    dict(type='NFE'),
]
val_root = 'photos'
visualizer = dict(
    type='Visualizer', vis_backends=[
        dict(type='LocalVisBackend'),
    ])
work_dir = 'work/level'
