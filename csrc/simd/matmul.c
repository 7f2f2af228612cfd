/* Tuned float kernels: matmul. */
