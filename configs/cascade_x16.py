# 128 -> 512 -> 2048: a chain of models for tools/restore.py --model configs/cascade_x16.py. The first one restores, the
# second enlarges what is clean by then. Models are checkpoints or work directories. A stage may have its own sampling,
# and may hand on latents to the next one (hands_on="latents"), which must be of the same space.
stages = [
    dict(model="work_dirs/cfm_realsr", hands_on="pixels"),
    dict(model="work_dirs/cfm_x4", sampling=dict(num_intervals=2)),
]
