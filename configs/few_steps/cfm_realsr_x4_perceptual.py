# The one-step sibling of cfm_unet-1.6m_realsr-x4.py, from whose weights it starts.
# What one evaluation makes of an input is drawn to its target, in the features of EfficientNet-Lite0 the more the
# further the dial stands from fidelity. On photographs in data/bsds400, with the extra "perceptual".
_base_ = "../cfm_unet-1.6m_realsr-x4.py"
load_from = "work_dirs/cfm_unet-1.6m_realsr-x4"

model = dict(
    network=dict(flow_map=True),
    teacher=dict(weights="${load_from}"),
    loss=[
        dict(type="MSE"),
        dict(type="TargetMSE", steps=0),
        dict(type="Perceptual", net="EfficientNetLite", steps=0, shift=15, weight=0.02),
    ],
    sampling=dict(_delete_=True, solver=dict(type="FlowMapEuler", dial=True), num_intervals=1, color="mean"),
)
train_cfg = dict(max_iters=1500, val_interval=1500)
train_dataloader = dict(batch_size=8)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
