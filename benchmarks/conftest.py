"""One thread on both sides, unless the environment says otherwise: the pools of NumPy's BLAS and of fastnn, spinning in one
process, would measure each other."""
import os

for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "FASTNN_NUM_THREADS"):
    os.environ.setdefault(variable, "1")       # before NumPy is imported
