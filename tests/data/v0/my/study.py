# A regression, and the flow that starts at its answer.
base = "recipe.py"
options = {"model.sampling.noise_fades_at": 0.4, "model.sampling.colour": "none"}
axes = dict(
    coupling={
        "regression": {
            "model.coupling.noise": None,
            "model.times.zero_probability": 1.0,
            "solvers": ["Euler"],
            "intervals": [1],
        },
        "posterior mean": {
            "model.coupling.type": "PosteriorMean",
            "model.coupling.noise": 64,
            "model.coupling.tell_level": False,
            "model.coupling.network": "${model.network}",
            "model.coupling.weights": "{coupling=regression}",
        },
    },
)
solvers = ["Euler"]
intervals = [1, 2]
benchmarks = dict(set="set")
