# Photographs at 256 pixels from maps of COCO-Stuff's 182 classes, and one for what has none.
_base_ = "lfm_adm_2xb64-lr5e-5_semantic-celebamask-256.py"
data_root = "data/coco"
model = dict(conditions=[dict(type="SemanticMap", classes=183, channels=4)])
train_dataloader = dict(dataset=dict(type="COCOStuff", split="train2017"))
train_cfg = dict(max_iters=161_700)  # 118,287 images // (2 * 64) = 924 an epoch, 175 epochs
