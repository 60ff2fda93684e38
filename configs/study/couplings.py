# Which start, in which space: trainings beside each other. The same photographs, network and number of iterations for
# all; the regression that the posterior mean needs comes on top of that. data/bsds400 holds the photographs, data/set14
# the benchmark, data/taef2 the weights of that autoencoder.
base = "../cfm_unet-1.6m_x4.py"
options = {
    "model.network.blocks": 2,
    "train_cfg.max_iters": 1200,
    "train_dataloader.batch_size": 8,
    "default_hooks.checkpoint.interval": 600,
    "test_evaluator": [
        dict(type="PSNR"),
        dict(type="SSIM"),
        dict(type="HaarPSI"),
        dict(type="NIQE"),
        dict(type="LRConsistency"),
        dict(type="PatchFID", weights="seeded", patches=16, patch_side=64),
        dict(type="NFE"),
    ],
}
axes = dict(
    encoder={
        "Haar 4": {"model.encoder.factor": 4},
        "Haar 8": {"model.encoder.factor": 8},
        "TAEF2": {"model.encoder.type": "TAEF2", "model.encoder.path": "data/taef2"},
    },
    coupling={
        "regression": {
            "model.coupling.noise": None,
            "model.times.zero_probability": 1.0,
            "solvers": ["Euler"],
            "intervals": [1],
        },
        "noise to data": {"model.coupling.type": "Independent"},
        "coupled, no noise": {"model.coupling.noise": None},
        "coupled, noise 0.1": {"model.coupling.noise": 64},
        "coupled, noise 0.59": {"model.coupling.noise": 400},
        "posterior mean, noise 0.1": {
            "model.coupling.type": "PosteriorMean",
            "model.coupling.noise": 64,
            "model.coupling.network": "${model.network}",
            "model.coupling.weights": "{coupling=regression}",
        },
    },
)
solvers = ["Euler", "Heun"]
intervals = [1, 2, 4, 8]
benchmarks = dict(set14="data/set14/hr,data/set14/lr")
