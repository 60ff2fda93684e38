# The 400 photographs of BSDS500's train and test parts (Arbelaez et al., 2011; research use), of which every fourth is
# held out; its val part, the benchmark BSD100, is none of them. They lie in data/bsds400, or elsewhere by --cfg-options
# data_root=FOLDER.
_base_ = "photographs.py"
data_root = "data/bsds400"
val_root = "${data_root}"
crop_size = 96
train_dataloader = dict(num_workers=1, dataset=dict(split="train", cache_images=400))
val_dataloader = dict(dataset=dict(split="held_out"))
test_dataloader = dict(dataset=dict(split="held_out"))
