# Trained on latents.
_base_ = "level.py"
train_dataloader = dict(dataset=dict(_delete_=True, type="LatentFolder", data_root="latents", crop=8))
