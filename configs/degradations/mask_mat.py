# MAT's masks (Li et al., 2022, arXiv:2203.15270, mask_generator_256.py): boxes and brushes together; neither without a
# hole nor all hole. Widths are pixels of an image of 256, and grow with it.
scale = 1
degradation = [dict(type="BoundedMask", share=(0.0, 0.999), mask=dict(type="FreeFormMask"))]
