/* Tuned float kernels: pool. */
