# Strokes or boxes, half of the time each: the masks of LFM's inpainting (Dao et al., 2023, arXiv:2307.08698).
scale = 1
degradation = [dict(type="MixedMask")]
