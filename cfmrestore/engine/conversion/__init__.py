"""Released weights of other repositories, read as models of this one."""
