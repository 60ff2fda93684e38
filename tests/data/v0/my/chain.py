# Three flows in a chain; the first hands its latents on.
stages = [
    dict(model="work/level", hands_on="latents", sampling=dict(num_intervals=1, colour="none", seed=3, consistency=True)),
    dict(
        model="work/flow/iter_2.safetensors",
        hands_on="pixels",
        sampling=dict(
            solver=dict(type="AB2"),
            grid=dict(type="ListedGrid", times=(0.0, 0.4, 1.0)),
            num_intervals=2,
            seed=1,
            fidelity=0.5,
            noise=0.8,
            noise_fades_at=0.3,
            consistency=True,
            colour="mean",
        ),
    ),
    "work/flow",
]
