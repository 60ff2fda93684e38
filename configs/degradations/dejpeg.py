# JPEG of every quality, sometimes coded twice.
scale = 1
degradation = [dict(type="Repeat", times=(1, 2), steps=[dict(type="JPEG", quality=(5, 95))])]
