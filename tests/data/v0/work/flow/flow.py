auto_scale_lr = dict(base_batch_size=16)
crop_size = 16
custom_hooks = [
    dict(type='SignalHook'),
]
data_root = 'photos'
default_hooks = dict(
    checkpoint=dict(interval=2, max_keep_ckpts=2, type='CheckpointHook'),
    logger=dict(interval=1, log_metric_by_epoch=False, type='LoggerHook'),
    param_scheduler=dict(type='ParamSchedulerHook'),
    sampler_seed=None,
    timer=dict(type='IterTimerHook'))
default_scope = 'cfmrestore'
degradation = [
    dict(
        beta=(
            0.5,
            2.0,
        ), sigma=(
            0.3,
            1.5,
        ), size=7, type='GeneralisedBlur'),
    dict(
        gain=(
            0.9,
            1.1,
        ),
        hue=(
            -20.0,
            20.0,
        ),
        saturation=(
            0.8,
            1.2,
        ),
        type='ColourCast'),
    dict(scale=2, type='Downscale'),
    dict(gray_probability=0.4, sigma=(
        1.0,
        10.0,
    ), type='GaussianNoise'),
    dict(levels=64, type='Quantise'),
]
env_cfg = dict(
    cudnn_benchmark=True,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0))
launcher = 'none'
load_from = None
log_level = 'INFO'
log_processor = dict(by_epoch=False, type='LogProcessor', window_size=50)
model = dict(
    channels_last=True,
    coupling=dict(noise=64, type='LowresLatent', upsample='pixel'),
    data_preprocessor=dict(
        degradation=[
            dict(
                beta=(
                    0.5,
                    2.0,
                ),
                sigma=(
                    0.3,
                    1.5,
                ),
                size=7,
                type='GeneralisedBlur'),
            dict(
                gain=(
                    0.9,
                    1.1,
                ),
                hue=(
                    -20.0,
                    20.0,
                ),
                saturation=(
                    0.8,
                    1.2,
                ),
                type='ColourCast'),
            dict(scale=2, type='Downscale'),
            dict(
                gray_probability=0.4,
                sigma=(
                    1.0,
                    10.0,
                ),
                type='GaussianNoise'),
            dict(levels=64, type='Quantise'),
        ],
        target=[
            dict(size=7, threshold=10.0, type='USMSharp', weight=0.5),
        ],
        type='RestorationPreprocessor'),
    encoder=dict(factor=2, type='Haar'),
    loss=[
        dict(type='MSE', weight=1.0),
        dict(delta=0.1, type='Huber', weight=0.5),
    ],
    network=dict(
        attention_factors=(),
        base_channels=2,
        blocks=1,
        channel_factors=(1, ),
        groups=None,
        input_skip=True,
        middle_attention=False,
        time_scale=1000.0,
        type='UNet'),
    path=dict(type='Linear'),
    sampling=dict(
        colour='wavelet',
        consistency=True,
        fidelity=0.3,
        grid=dict(shift=0.7, type='ShiftedGrid'),
        noise=1.2,
        noise_fades_at=0.25,
        num_intervals=3,
        seed=2,
        solver=dict(type='Euler')),
    scale=2,
    times=dict(type='Stratified', zero_probability=0.25),
    type='CouplingFlow')
optim_wrapper = dict(
    clip_grad=dict(max_norm=1.0),
    optimizer=dict(
        betas=(
            0.9,
            0.99,
        ), lr=0.1, type='AdamW', weight_decay=0.0),
    type='OptimWrapper')
param_scheduler = [
    dict(begin=0, by_epoch=False, end=2, start_factor=0.5, type='LinearLR'),
]
protocol = 'classic_y'
randomness = dict(seed=0)
resume = False
scale = 2
target = [
    dict(size=7, threshold=10.0, type='USMSharp', weight=0.5),
]
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
train_cfg = dict(by_epoch=False, max_iters=2, val_interval=100)
train_dataloader = dict(
    batch_size=2,
    dataset=dict(
        cache_images=64,
        data_root='photos',
        pipeline=[
            dict(size=16, type='RandomCrop'),
            dict(multiple=2, type='CentreCrop'),
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
            dict(multiple=2, type='CentreCrop'),
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
    type='Visualizer',
    vis_backends=[
        dict(type='LocalVisBackend'),
        dict(type='TensorboardVisBackend'),
    ])
work_dir = 'work/flow'
