# Former name of cfm_unet-1.6m_x4.py.
_base_ = "cfm_unet-1.6m_x4.py"
