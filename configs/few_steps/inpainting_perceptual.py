# The one-step sibling of lfm/inpainting_photographs.py, which is trained first: what one evaluation fills a hole with
# has the features that such holes have in photographs, given what is around them, and lies near the target the more,
# the further the dial stands towards fidelity. With the extra "perceptual".
_base_ = "../lfm/inpainting_photographs.py"
load_from = "work_dirs/inpainting_photographs"

model = dict(
    network=dict(flow_map=True),
    teacher=dict(weights="${load_from}"),
    loss=[
        dict(type="MSE"),
        dict(type="TargetMSE", steps=0, weight=0.2),
        dict(type="Perceptual", net="EfficientNetLite", steps=0, shift=15, weight=0.02),
        dict(type="Lattice", steps=0, weight=5.0),
        dict(
            type="MMD",
            features="EfficientNetLite",
            patches=32,
            draws=2,
            num_intervals=1,
            kernel="energy",
            shift=15,
            weight=0.0003,
        ),
    ],
    sampling=dict(_delete_=True, solver=dict(type="FlowMapEuler", dial=True), num_intervals=1),
)
train_cfg = dict(max_iters=1500)
train_dataloader = dict(batch_size=8)
optim_wrapper = dict(optimizer=dict(lr=3e-4))
