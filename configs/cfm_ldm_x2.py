# Twice as large pictures from a latent-diffusion model, here Stable Diffusion 1.5: latents of 64x64 to 128x128, which
# is 512x512 pixels to 1024x1024. encoder_path takes the folder of the model's autoencoder. Then
# tools/boost.py "a prompt" --pipeline FOLDER --model work_dirs/cfm_ldm_x2 --out FOLDER
_base_ = [
    "_base_/default_runtime.py",
    "_base_/datasets/photographs.py",
    "_base_/models/cfm_ldm.py",
    "_base_/schedules/adamw_200k.py",
]
scale = 2
degradation = "bicubic"  # of the photographs; the small pictures of a diffusion model have no degradation of their own
target = []
crop_size = 256  # the bundled photographs are small; 512 and more for your own
train_dataloader = dict(dataset=dict(cache_images=0))
# On latents of the diffusion model itself, written by tools/boost.py --prompts FILE --pipeline FOLDER --height 1024
# --width 1024 --save-latents LATENTS; crop is a side in latent samples:
# train_dataloader = dict(dataset=dict(_delete_=True, type="LatentFolder", data_root="LATENTS", crop=32))
optim_wrapper = dict(type="AmpOptimWrapper", optimizer=dict(lr=1e-4))
