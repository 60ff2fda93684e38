# Scenes at 256 pixels from maps of ADE20K's 151 classes.
_base_ = "lfm_adm_2xb64-lr5e-5_semantic-celebamask-256.py"
data_root = "data/ADEChallengeData2016"
model = dict(conditions=[dict(type="SemanticMap", classes=151, channels=4)])
train_dataloader = dict(dataset=dict(type="ADE20K", split="training"))
train_cfg = dict(max_iters=27_475)  # 20,210 images // (2 * 64) = 157 an epoch, 175 epochs
