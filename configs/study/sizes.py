# How wide, how deep, in wavelets of which factor: networks that are trained for as many seconds each (6 minutes of a
# core), by what a step of 8 crops of 96 pixels takes of it, reading the photographs among it: from 0.25 s to 1.34 s.
# They are judged where one evaluation is the mean of what the original may be.
base = "../cfm_unet-2.7m_x4.py"
options = {
    "crop_size": 96,
    "model.loss": [dict(type="MSE")],
    "model.times.zero_probability": 0.5,
    "train_dataloader.batch_size": 8,
    "default_hooks.checkpoint.interval": 3000,
    "test_evaluator": [
        dict(type="PSNR"),
        dict(type="SSIM"),
        dict(type="HaarPSI"),
        dict(type="LRConsistency"),
        dict(type="NFE"),
    ],
}


def _network(channels, blocks, iterations, factor=4):
    return {
        "model.encoder.factor": factor,
        "model.network.base_channels": channels,
        "model.network.blocks": blocks,
        "train_cfg.max_iters": iterations,
        "param_scheduler": [
            dict(type="LinearLR", start_factor=0.01, by_epoch=False, begin=0, end=iterations // 10),
            dict(type="CosineAnnealingLR", by_epoch=False, begin=iterations // 10, end=iterations, eta_min=1e-6),
        ],
    }


axes = dict(
    network={
        "32 channels, 8 blocks": _network(32, 8, 1425),
        "64 channels, 2 blocks": _network(64, 2, 1200),
        "64 channels, 4 blocks": _network(64, 4, 855),
        "64 channels, 8 blocks": _network(64, 8, 540),
        "128 channels, 2 blocks": _network(128, 2, 410),
        "128 channels, 4 blocks": _network(128, 4, 270),
        "Haar 2, 32 channels, 4 blocks": _network(32, 4, 820, factor=2),
        "Haar 2, 64 channels, 2 blocks": _network(64, 2, 390, factor=2),
    },
)
solvers = ["Euler"]
intervals = [1]
benchmarks = dict(set14="data/set14/hr,data/set14/lr")
