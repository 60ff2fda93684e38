# Which network: the U-Net of cfm-x4 with two blocks beside a transformer of as many parameters, in windows of 8x8, that
# is trained for as long: on a CPU its iterations take 4.7 times as much.
base = "../cfm_unet-1.6m_x4.py"
options = {
    "train_cfg.max_iters": 1200,
    "train_dataloader.batch_size": 8,
    "default_hooks.checkpoint.interval": 600,
    "test_evaluator": [
        dict(type="PSNR"),
        dict(type="SSIM"),
        dict(type="HaarPSI"),
        dict(type="NIQE"),
        dict(type="LRConsistency"),
        dict(type="NFE"),
    ],
}
axes = dict(
    network={
        "U-Net": {"model.network.blocks": 2},
        "DiT, windows": {
            "model.network.type": "DiT",
            "model.network.width": 96,
            "train_cfg.max_iters": 255,
            "model.network.depth": 8,
            "model.network.heads": 3,
            "model.network.patch": 1,
            "model.network.attention": "window",
            "model.network.window": 8,
            "model.network.position": "rope",
            "model.network.modulation": "single",
            "model.network.mlp": "conv",
            "model.network.qk_norm": True,
            "model.network.time_scale": 1000.0,
            "model.network.input_skip": True,
        },
    },
)
solvers = ["Euler"]
intervals = [1, 2, 4, 8]
benchmarks = dict(set14="data/set14/hr,data/set14/lr")
