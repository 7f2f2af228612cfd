"""The compiled core: the kernel table, `launch`, and the memory of tensors.  It knows no op and no layer."""
