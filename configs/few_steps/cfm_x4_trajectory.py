# The shipped model cfm-x4: the two-step sibling of cfm_unet-1.6m_x4.py, from whose weights it starts. It learns to go
# over three at once of the six steps that make the natural end, from those steps themselves, and any step by Shortcut,
# for the dial. On photographs in data/bsds400.
_base_ = "../cfm_unet-1.6m_x4.py"
load_from = "work_dirs/cfm_unet-1.6m_x4"

model = dict(
    network=dict(flow_map=True),
    teacher=dict(weights="${load_from}"),
    loss=[
        dict(type="MSE"),
        dict(type="Shortcut", intervals=()),
        dict(
            type="Trajectory",
            solver=dict(type="Euler"),
            grid=dict(type="ShiftedGrid", shift=0.7),
            num_intervals=6,
            steps=(1, 2),
        ),
    ],
    # The time of the teacher's third step. What two steps leave out is as much texture as a little more noise gives.
    sampling=dict(
        solver=dict(type="FlowMapEuler"),
        grid=dict(_delete_=True, type="ListedGrid", times=[0.0, 0.5882353, 1.0]),
        num_intervals=2,
        noise=1.03,
        even_dial=True,
    ),
)
train_cfg = dict(max_iters=1500, val_interval=1500)
train_dataloader = dict(batch_size=8)
optim_wrapper = dict(optimizer=dict(lr=5e-4))
