# Pairs in two folders, as the README has them.
_base_ = "level.py"
train_dataloader = dict(
    dataset=dict(
        _delete_=True, type="PairedFolder", high_root="set/high", low_root="set/low", pipeline="${train_pipeline}"
    )
)
