# 128 -> 512 -> 2048: a chain of models for tools/restore.py --model configs/cascade_x16.py. The first one restores, the
# second enlarges what is clean by then. Models are bundled ones, checkpoints or work directories. A stage may have its
# own sampling, and may hand on latents to the next one (output="latents"), which must be of the same space.
stages = [
    dict(model="cfm-realsr-x4", output="pixels"),
    dict(model="cfm-x4", sampling=dict(num_intervals=4)),
]
