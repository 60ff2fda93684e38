# Outpainting: the inpainting recipe with strips cut off at one to four sides, a tenth to three tenths of it wide. No
# such run was published.
_base_ = "lfm_adm_2xb64-lr5e-5_inpainting-celebahq-256.py"
model = dict(data_preprocessor=dict(mask=dict(type="OutpaintMask")))
