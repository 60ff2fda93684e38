# Former name of cfm_unet-1.6m_realsr-x4.py.
_base_ = "cfm_unet-1.6m_realsr-x4.py"
